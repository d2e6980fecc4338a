"""The bars of heartbeats on the Monitoring page, and what it says of bots that aren't there."""

import sqlite3
import time
from typing import Any

from playwright.sync_api import Browser, Page, TimeoutError, expect

from ..collector.server import Server
from .browsers import PHONE, watched
from .conftest import new_bot
from .talk import Bot

MINUTE_MS = 60_000


def let_pass(server: Server, bot: Bot, minutes: int) -> None:
    """As if all that the bot has sent so far had come so much earlier."""
    path = server.environment["BOTWATCH_DATABASE"].removeprefix("sqlite:///")
    ids = "(SELECT id FROM bot WHERE name = ?)"
    with sqlite3.connect(path, timeout=60) as connection:
        for table, column in (("heartbeat", "received_at"), ("instance", "last_seen_at")):
            sql = f"UPDATE {table} SET {column} = {column} - ? WHERE bot_id IN {ids}"
            connection.execute(sql, (minutes * MINUTE_MS, bot.name))
    connection.close()


def test_bar_tells_its_slots_to_pointer_and_keyboard(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    bar = page.get_by_role("group", name=f"Heartbeats of {bot.name}")
    said = page.locator(".beats-said")
    expect(bar.locator(".beat")).to_have_count(48)
    expect(said).to_have_text("No outage in the last 24 hours.")

    bar.locator(".beat").first.hover()
    expect(said).to_contain_text("nothing known")
    page.mouse.move(0, 0)
    expect(said).to_have_text("No outage in the last 24 hours.")

    bar.focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("up")
    last = said.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("nothing known")
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(bar).to_be_focused()
    page.keyboard.press("End")
    expect(said).to_contain_text(last.split(":")[0])


def test_week_is_in_the_address(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    page.locator("#availability").get_by_role("link", name="7 days").click()
    expect(page.locator(".beats > .beat")).to_have_count(56)
    expect(page).to_have_url(f"{bot.url}/monitoring?bot={bot.name}&beats=7d")


def test_outage_is_told_with_its_times_and_what_to_do(page: Page, server: Server) -> None:
    bot = new_bot(server)
    bot.beat()
    let_pass(server, bot, 20)
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")

    expect(page.locator(".beats-said")).to_contain_text("Down since")
    expect(page.locator(".beats-said")).to_contain_text("19 min")
    remedy = page.locator(".remedies")
    expect(remedy).to_contain_text(f"{bot.name} sends no heartbeat any more")
    expect(remedy).to_contain_text("botwatch doctor")
    bot.beat()
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(remedy).to_have_count(0)
    expect(page.locator(".beats-said")).to_contain_text("(19 min")


def test_tapping_a_slot_tells_it_on_a_phone(chromium: Browser, cookies: Any, bot: Bot) -> None:
    with watched(chromium, storage_state=cookies, viewport=PHONE, has_touch=True) as watch:
        page = watch.page()
        page.goto(f"{bot.url}/monitoring?bot={bot.name}")
        page.locator(".beats > .beat").last.tap()
        expect(page.locator(".beats-said")).to_contain_text("up")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_bar_reads_without_a_script(chromium: Browser, cookies: Any, bot: Bot) -> None:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        page = watch.page()
        page.goto(f"{bot.url}/monitoring?bot={bot.name}")
        assert "nothing known" in (page.locator(".beats > .beat").first.get_attribute("title") or "")
        expect(page.locator(".beats-said")).to_have_text("No outage in the last 24 hours.")


def test_feed_shows_the_bot_that_is_asked_for(page: Page, bot: Bot, server: Server) -> None:
    other = new_bot(server)
    stamp = time.time_ns()
    bot.hear(f"one {stamp}")
    other.hear(f"two {stamp}")
    page.goto(f"{server.url}/monitoring")
    feed = page.locator("#feed")
    feed.get_by_label("Bot").select_option(bot.name)
    feed.get_by_label("Filter by text or user").fill(str(stamp))
    expect(feed.locator(".message")).to_have_count(1)
    other.hear(f"three {stamp}")
    bot.hear(f"four {stamp}")
    expect(feed.locator(".message")).to_have_count(2)
    expect(feed.locator(".message").first).to_contain_text("four")


def test_change_of_health_is_shown_as_the_stream_tells_it(page: Page, bot: Bot) -> None:
    # So that nothing but the stream brings the figures up to date.
    page.add_init_script("window.setInterval = () => 0")
    bot.beat(checks={"orders": {"status": "ok"}})
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#live-state")).to_have_text("Live")
    indicator = page.get_by_role("link", name="orders")
    expect(indicator).to_contain_text("all right")
    for status, words in (("fail", "failing"), ("ok", "all right"), ("fail", "failing")):
        try:
            with page.expect_response(lambda reply: "/monitoring/figures" in reply.url, timeout=20_000):
                bot.beat(checks={"orders": {"status": status}})
        except TimeoutError:
            # The first that the stream has read was this one already: the next is a change.
            continue
        expect(indicator).to_contain_text(words)
        return
    raise AssertionError("the stream's news did not reach the page")
