"""The README's pictures, taken of the demo: `./dev screenshots`."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .browsers import browser, watched

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 150_000
DAYS = 62
# Long enough for a heartbeat, some conversations and a first refresh of the figures.
SETTLED_MS = 20_000


@dataclass(frozen=True)
class Shot:
    """One page in one size; `waits_for` is there when it can be taken."""

    name: str
    path: str
    waits_for: str
    width: int = 1280
    height: int = 930


SHOTS = (
    Shot("monitoring", "/monitoring", "#volume-chart canvas"),
    Shot("analytics", "/analytics", "#users-chart canvas"),
    Shot("phone", "/monitoring", "#volume-chart canvas", 390, 844),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo() as (url, password), browser() as launched:
        for shot in SHOTS:
            for scheme in ("light", "dark"):
                take(launched, url, password, shot, scheme)


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The demo with its history filled in: its address and password."""
    command = [sys.executable, "-m", "botwatch_collector", "demo", "--days", str(DAYS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "100%" in line:
                break
        url = re.search(r"page +(http\S+)", said)
        password = re.search(r"password (\S+)", said)
        assert url is not None, said
        assert password is not None, said
        yield url[1], password[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def take(launched: Browser, url: str, password: str, shot: Shot, scheme: str) -> None:
    """Log in and take the picture, of Monitoring after some live messages."""
    path = FOLDER / f"{shot.name}-{scheme}.png"
    viewport = {"width": shot.width, "height": shot.height}
    with watched(launched, color_scheme=scheme, viewport=viewport, reduced_motion="reduce") as watch:
        page = watch.page()
        log_in(page, url, password)
        page.goto(url + shot.path)
        expect(page.locator(shot.waits_for)).to_be_visible()
        if shot.path == "/monitoring":
            expect(page.locator("#live-state")).to_have_text("Live")
            page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=path)
    size = path.stat().st_size
    assert size <= MOST_BYTES, f"{path.name} has {size:,} bytes"
    print(f"{path.relative_to(FOLDER.parents[1])}: {size:,} bytes")


def log_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


if __name__ == "__main__":
    main()
