"""What holds for every page: no complaint, no accessibility violation, no sideways scroll, the keyboard."""

import gzip
import json
import sqlite3
import urllib.request
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import DESKTOP, PHONE, watched
from .conftest import log_in, new_bot
from .talk import Bot, event

PAGES = (
    "/login",
    "/monitoring",
    "/monitoring?bot={bot}",
    "/monitoring?bot={silent}",
    "/monitoring/health?bot={bot}",
    "/monitoring/users?bot={bot}",
    "/monitoring/troubles?bot={bot}",
    "/monitoring/troubles?bot={silent}",
    "/analytics",
    "/analytics?bot={bot}&range=24h",
    "/analytics?bot={silent}",
    "/alerts",
    "/alerts?bot={silent}",
    "/search",
    "/search?q={bot}",
    "/search?q=u1&bot={bot}",
    "/prometheus",
    "/api/docs",
    "/messages",
    "/messages?bot={bot}&q=hello&range=24h",
    "/messages?bot={silent}",
    "/messages?q=-nothing",
    "/messages/{message}",
    "/users/u1?bot={bot}",
    "/users/nobody",
    "/instances/{instance}",
    "/settings",
    "/system",
    "/settings/bots",
    "/settings/bots/{bot}",
    "/settings/tokens",
    "/settings/accounts",
    "/ui",
    "/first-run",
    "/first-run?bot={bot}",
    "/first-run?bot={silent}",
    "/nothing-here",
)
LONG = "w" * 300
# Of a hundred operations of the API one of each card is looked at: the others are made by the same lines.
MORE_OF_THE_SAME = ".operation + .operation"
MOST_SCRIPT_BYTES = 120 * 1024


@pytest.fixture(scope="module")
def names(server: Server) -> dict[str, str]:
    """A bot with everything a page can show, and one that has never reported."""
    busy = new_bot(server)
    checks = {status: {"status": status, "message": f"{status} {LONG}"} for status in ("ok", "warn", "fail")}
    # However slow the machine, it stays up until the last test here.
    busy.beat(interval_s=3_600.0, checks=checks, losses={"full": 3}, update_age_s=12.0)
    busy.post(event("sample", cpu_percent=12.5, memory_bytes=150 << 20, loop_lag_ms=820.0))
    busy.post(event("check", name="fail", status="fail", message=LONG, latency_ms=82))
    busy.fail(LONG[:200], place=LONG, message=LONG, stack=[LONG, LONG])
    for status in ("hanging", "over"):
        busy.hang(status, 15_000, since=len(status), place=LONG)
    busy.hear("hello", LONG, user_name=LONG[:200])
    busy.say("answer")
    known = {"message": newest_message(server), "instance": instance_of(server, busy)}
    return {"bot": busy.name, "silent": new_bot(server).name} | known


def newest_message(server: Server) -> str:
    token = {"Authorization": f"Bearer {server.add_read_token()}"}
    request = urllib.request.Request(f"{server.url}/api/messages?limit=1", headers=token)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return str(json.load(reply)["messages"][0]["id"])


def instance_of(server: Server, bot: Bot) -> str:
    database = sqlite3.connect(server.environment["BOTWATCH_DATABASE"].removeprefix("sqlite:///"))
    (number,) = database.execute("SELECT id FROM instance WHERE name = ?", (bot.instance,)).fetchone()
    database.close()
    return str(number)


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_violation_in_any_theme_and_width(
    chromium: Browser, server: Server, names: dict[str, str], cookies: Any, path: str
) -> None:
    state = None if path == "/login" else cookies
    # Without motion no colour is caught half-way to another.
    with watched(chromium, storage_state=state, reduced_motion="reduce") as watch:
        if path in ("/nothing-here", "/users/nobody"):
            watch.expect("status of 404")
        page = watch.page()
        page.goto(server.url + path.format(**names))
        assert layout_shift(page) < 0.1
        for viewport in (DESKTOP, PHONE):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme="light")
            assert_accessible(page)
            page.emulate_media(color_scheme="dark")
            # Nothing but the colours is another.
            assert_accessible(page, {"runOnly": ["color-contrast"]})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_has_its_content_without_a_script(
    chromium: Browser, server: Server, names: dict[str, str], cookies: Any
) -> None:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        watch.expect("status of 404")
        page = watch.page()
        for path in PAGES:
            page.goto(server.url + path.format(**names))
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            assert len(page.locator("main").inner_text()) > 50, path
            # Nothing waits for what only a script brings; the style page shows how that looks.
            assert page.locator("main .state-loading:visible").count() == (path == "/ui"), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opened_parts_have_no_violation(
    chromium: Browser, server: Server, names: dict[str, str], cookies: Any, scheme: str
) -> None:
    with watched(chromium, storage_state=cookies, color_scheme=scheme, reduced_motion="reduce") as watch:
        page = watch.page()
        page.goto(f"{server.url}/monitoring?bot={names['bot']}")
        page.get_by_text("As a table").click()
        page.locator("summary", has_text="alice").click()
        assert_accessible(page)
        page.keyboard.press("Escape")
        page.get_by_role("link", name="fail").hover()
        assert_accessible(page)
        page.get_by_role("link", name="fail").click()
        expect(page.get_by_role("dialog")).to_contain_text("Last check")
        assert_accessible(page)


def test_keyboard_alone_reaches_everything(page: Page, bot: Bot) -> None:
    bot.hear("hello")
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    tab_until(page, lambda: page.evaluate("document.activeElement.id") == "users-now")
    tab_until(page, lambda: page.evaluate("document.activeElement.dataset.act") == "pause")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    tab_until(page, lambda: page.evaluate("document.activeElement.getAttribute('role')") == "log")


def test_menu_opens_and_closes_by_keyboard_and_logs_out(chromium: Browser, server: Server) -> None:
    with watched(chromium) as watch:
        page = watch.page()
        log_in(page, server.url)
        page.locator("summary", has_text="alice").focus()
        page.keyboard.press("Enter")
        log_out = page.get_by_role("button", name="Log out")
        expect(log_out).to_be_visible()
        page.keyboard.press("Escape")
        expect(log_out).to_be_hidden()
        page.keyboard.press("Enter")
        log_out.click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        page.goto(f"{server.url}/monitoring")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_reduced_motion_stops_every_animation(chromium: Browser, cookies: Any, bot: Bot) -> None:
    with watched(chromium, storage_state=cookies, reduced_motion="reduce") as watch:
        page = watch.page()
        page.goto(f"{bot.url}/monitoring?bot={bot.name}")
        expect(page.locator("#live-state")).to_have_text("Live")
        assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("path", ["/monitoring?bot={bot}", "/analytics?bot={bot}", "/search?q=u1"])
def test_nothing_moves_on_a_phone(
    chromium: Browser, server: Server, names: dict[str, str], cookies: Any, path: str
) -> None:
    with watched(chromium, storage_state=cookies, viewport=PHONE) as watch:
        page = watch.page()
        page.goto(server.url + path.format(**names))
        assert layout_shift(page) < 0.1


def test_all_scripts_together_are_small() -> None:
    """What any page loads is a part of it."""
    scripts = (Path(str(files("botwatch_web"))) / "static").rglob("*.js")
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) <= MOST_SCRIPT_BYTES


def layout_shift(page: Page) -> float:
    """How far things have moved since the page began, as browsers count it."""
    shift: float = page.evaluate("""() => new Promise((tell) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => tell(sum), 300);
      })""")
    return shift


def tab_until(page: Page, is_there: Callable[[], bool]) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if is_there():
            return
    raise AssertionError("the keyboard does not get there")


def assert_accessible(page: Page, options: dict[str, Any] | None = None) -> None:
    told = {"resultTypes": ["violations"]} | (options or {})
    found = Axe().run(page, {"exclude": [[MORE_OF_THE_SAME]]}, told)
    assert found.violations_count == 0, found.generate_report()
