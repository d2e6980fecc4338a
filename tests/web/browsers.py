"""A real Chromium that notes everything a page complains of: console errors, exceptions, refused content."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}

# Playwright's five seconds are too few for a busy machine with two cores.
expect.set_options(timeout=20_000)

# Runs before the page's own scripts, and the page's policy does not apply to it.
_NOTE_REFUSALS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Watched:
    """A browser context whose pages report their problems; `problems` is what they said."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.add_init_script(_NOTE_REFUSALS)
        context.on("page", self._watch)

    def page(self) -> Page:
        return self.context.new_page()

    def expect(self, *parts: str) -> None:
        """Problems that hold one of these parts belong to the test."""
        self.expected += parts

    def unexpected(self) -> list[str]:
        return [one for one in self.problems if not any(part in one for part in self.expected)]

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("dialog", self._close)

    def _close(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(f"{kind}: {text}")


def launch(playwright: Playwright) -> Browser:
    """An installed Chromium, or else playwright's own; skips the test when there is neither."""
    installed = next((path for name in NAMES if (path := shutil.which(name))), None)
    if installed is None and not Path(playwright.chromium.executable_path).exists():
        pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
    # As root, as in most containers, Chromium refuses to start with its sandbox.
    return playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])


def until(page: Page, script: str, argument: Any = None) -> None:
    """Wait until a function in the page answers true; playwright's own way needs eval, which they refuse."""
    for _ in range(400):
        if page.evaluate(script, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"this did not come true: {script}")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that ends with the block."""
    with sync_playwright() as playwright:
        launched = launch(playwright)
        try:
            yield launched
        finally:
            launched.close()


@contextmanager
def watched(launched: Browser, **options: Any) -> Iterator[Watched]:
    """A fresh context; afterwards nothing may have gone wrong in it that the test did not expect."""
    context = launched.new_context(**({"viewport": DESKTOP} | options))
    watch = Watched(context)
    try:
        yield watch
    finally:
        context.close()
    problems = watch.unexpected()
    assert not problems, "\n".join(problems)
