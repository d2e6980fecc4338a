"""The page of an instance: its facts, and charts of its resources under one cursor."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, Watched, watched
from .talk import Bot, event


def open_instance(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    page.locator("#instances").get_by_role("link", name=bot.name).click()
    expect(page).to_have_url(re.compile(r"/instances/\d+$"))


def use(bot: Bot, cpu_percent: float) -> None:
    told = {"memory_bytes": 150 << 20, "memory_limit_bytes": 256 << 20, "loop_lag_ms": 7.0}
    bot.post(event("sample", cpu_percent=cpu_percent, threads=5, fds=33, **told))


def test_charts_share_a_cursor_and_come_up_to_date(page: Page, bot: Bot) -> None:
    use(bot, 12.5)
    open_instance(page, bot)
    for fact in ("up", "host-1", "12.5 %", "150 MB of 256", "7 ms", "33"):
        expect(page.locator("#content")).to_contain_text(fact)
    expect(page.locator(".resources canvas")).to_have_count(5)
    page.locator("#cpu-chart .u-over").hover()
    said = page.locator("#resources-readout")
    expect(said).to_contain_text("CPU 12.5 %, memory 150 MB, lag 7 ms, descriptors 33, threads 5")

    before = page.locator("#resources-numbers").get_attribute("data-series") or ""
    use(bot, 80.0)
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(page.locator("#resources-numbers")).not_to_have_attribute("data-series", before)
    expect(page.locator("#instance-facts")).to_contain_text("80.0 %")


def test_range_is_in_the_address(page: Page, bot: Bot) -> None:
    use(bot, 1.0)
    open_instance(page, bot)
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(re.compile(r"\?range=7d$"))
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


def test_numbers_are_there_without_a_script(chromium: Browser, cookies: Any, bot: Bot) -> None:
    use(bot, 12.5)
    with watched(chromium, storage_state=cookies, java_script_enabled=False, viewport=PHONE) as watch:
        page = watch.page()
        open_instance(page, bot)
        page.get_by_text("As a table").click()
        expect(page.get_by_role("table").get_by_role("row").nth(1)).to_contain_text("12.5")


def test_unknown_instance_is_not_found(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 404")
    page = visitor.page()
    for number in ("123456789", "9" * 40):
        page.goto(f"{server.url}/instances/{number}")
        expect(page.get_by_role("alert")).to_contain_text("no instance")
