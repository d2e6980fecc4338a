"""The Messages page: what it finds, its address, paging without a script, live messages, the keyboard."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ..collector.server import Server
from .browsers import Watched, until, watched
from .conftest import new_bot
from .talk import Bot, event

MINUTE_MS = 60_000


@pytest.fixture
def plain_page(chromium: Browser, cookies: Any) -> Iterator[Page]:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        yield watch.page()


def open_messages(page: Page, bot: Bot, more: str = "") -> Locator:
    page.goto(f"{bot.url}/messages?bot={bot.name}{more}")
    return page.locator("#messages-log .message")


def texts(rows: Locator) -> list[str]:
    return [text.strip() for text in rows.locator(".text").all_inner_texts()]


def old(bot: Bot, count: int, **more: Any) -> None:
    """Numbered messages, a minute apart, the last one a minute ago."""
    now = time.time_ns() // 1_000_000
    told = {"direction": "in", "user_id": "u1", "user_name": "Alice"} | more
    bot.post(
        *(
            event("message", text=f"number {number}", **told) | {"ts": now - (count - number) * MINUTE_MS}
            for number in range(count)
        )
    )


def test_words_user_direction_and_channel_narrow_the_list(page: Page, bot: Bot) -> None:
    bot.hear("Where is my refund?", user_id="7", user_name="Chiara", channel="kitchen")
    bot.hear("No Refunds here", "hello", user_id="8", user_name="Dan", channel="kitchen")
    bot.say("Your REFUND is on its way", user_id="7", user_name="Chiara")
    rows = open_messages(page, bot)
    expect(rows).to_have_count(4)
    page.get_by_label("Words in the text").fill("refund")
    page.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(2)
    assert rows.locator("mark").all_inner_texts() == ["REFUND", "refund"]
    page.get_by_label("Direction").select_option("in")
    page.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(1)
    assert "q=refund" in page.url and "direction=in" in page.url and f"bot={bot.name}" in page.url
    expect(rows.first).to_contain_text("kitchen")
    page.goto(f"{bot.url}/messages?bot={bot.name}&user=8&channel=kitchen&q=refu*")
    expect(rows).to_have_count(1)
    assert texts(rows) == ["No Refunds here"]


def test_time_range_is_chosen_and_kept_with_the_words(page: Page, bot: Bot) -> None:
    old(bot, 1)
    now = time.time_ns() // 1_000_000
    week_old = event("message", direction="in", user_id="u1", text="number of old") | {
        "ts": now - 7 * 24 * 60 * MINUTE_MS
    }
    bot.post(week_old)
    rows = open_messages(page, bot, "&q=number")
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="24 hours").click()
    expect(rows).to_have_count(1)
    assert "q=number" in page.url
    page.get_by_role("link", name="Any time").click()
    expect(rows).to_have_count(2)


def test_row_shows_times_and_leads_to_its_user_and_conversation(page: Page, bot: Bot) -> None:
    bot.hear("hello", user_id="a/b ü", user_name="Alice")
    bot.say("hi Alice", response_ms=1240, user_id="a/b ü")
    rows = open_messages(page, bot)
    expect(rows.first).to_contain_text("1.24 s")
    expect(rows.first).to_contain_text("waited 1.27 s")
    rows.first.get_by_role("link", name="Alice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alice")
    page.go_back()
    rows.last.get_by_role("link", name="Conversation").click()
    expect(page.locator("#chosen")).to_contain_text("hello")


def test_query_that_asks_for_nothing_is_refused_in_words(page: Page, bot: Bot) -> None:
    bot.hear("hello")
    rows = open_messages(page, bot, "&q=-hello")
    expect(page.get_by_role("alert")).to_contain_text("at least one word")
    expect(rows).to_have_count(0)


def test_nothing_found_is_said(page: Page, bot: Bot) -> None:
    open_messages(page, bot, "&q=nothing")
    expect(page.get_by_text("None that match")).to_be_visible()
    expect(page.locator("#messages-log")).to_be_hidden()


def test_pages_go_on_and_back_without_a_script(plain_page: Page, bot: Bot) -> None:
    old(bot, 120)
    rows = open_messages(plain_page, bot)
    seen = texts(rows)
    while plain_page.get_by_role("link", name="Older").count():
        plain_page.get_by_role("link", name="Older").click()
        seen += texts(rows)
    assert seen == [f"number {number}" for number in range(119, -1, -1)]
    plain_page.get_by_role("link", name="Newer", exact=True).click()
    assert texts(rows) == [f"number {number}" for number in range(69, 19, -1)]
    plain_page.get_by_role("link", name="Newest", exact=True).click()
    assert texts(rows)[0] == "number 119"


def test_new_message_appears_without_a_reload_where_it_matches(page: Page, bot: Bot) -> None:
    bot.hear("an old order")
    rows = open_messages(page, bot, "&q=order")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.evaluate("window.stillTheSamePage = true")
    bot.hear("something else", "a new Order!", user_name="Bob")
    expect(rows).to_have_count(2)
    assert texts(rows) == ["a new Order!", "an old order"]
    expect(rows.first.locator("mark")).to_have_text("Order")
    expect(rows.first.get_by_role("link", name="Bob")).to_be_visible()
    assert page.evaluate("window.stillTheSamePage")


def test_first_message_of_all_takes_the_place_of_the_empty_state(page: Page, bot: Bot) -> None:
    rows = open_messages(page, bot)
    expect(page.locator("#live-state")).to_have_text("Live")
    expect(page.get_by_text("They appear here as they come.")).to_be_visible()
    bot.hear("the first")
    expect(rows).to_have_count(1)
    expect(page.get_by_text("They appear here as they come.")).to_be_hidden()


def test_new_messages_wait_while_somebody_reads_older_ones(page: Page, bot: Bot) -> None:
    old(bot, 60)
    rows = open_messages(page, bot)
    expect(page.locator("#live-state")).to_have_text("Live")
    log = page.locator("#messages-log")
    log.evaluate("log => log.scrollTop = 1500")
    until(page, "() => !document.querySelector('#messages-log [data-index=\"0\"]')")
    top = first_in_sight(page)
    bot.hear("one", "two", "three")
    button = page.get_by_role("button", name="3 new messages")
    expect(button).to_be_visible()
    assert first_in_sight(page) == top
    button.click()
    expect(rows.first).to_contain_text("three")
    expect(button).to_be_hidden()
    assert log.evaluate("log => log.scrollTop") == 0


def test_past_range_is_not_live(page: Page, bot: Bot) -> None:
    open_messages(page, bot, "&range=custom&from=2001-01-01&to=2001-02-03")
    expect(page.get_by_text("None that match")).to_be_visible()
    expect(page.locator("#live-state")).to_be_hidden()


def test_keyboard_walks_through_the_list_and_opens_a_conversation(page: Page, bot: Bot) -> None:
    old(bot, 60)
    open_messages(page, bot)
    expect(page.locator("#live-state")).to_have_text("Live")
    focused = "document.activeElement.querySelector('.text')?.innerText"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "number 59"
    for _ in range(30):
        page.keyboard.press("j")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == "number 30"
    page.keyboard.press("End")
    assert page.evaluate(focused) == "number 0"
    row = page.locator(".message:focus")
    expect(row).to_have_attribute("aria-posinset", "60")
    expect(row).to_have_attribute("aria-setsize", "60")
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "number 59"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text("number 59")


def test_older_messages_that_do_not_load_are_asked_for_again(visitor: Watched, server: Server) -> None:
    visitor.expect("ERR_FAILED", "Failed to load resource")
    bot, page = new_bot(server), visitor.page()
    old(bot, 70)
    page.route("**/api/messages?*", lambda route: route.abort())
    open_messages(page, bot)
    page.locator("#messages-log").evaluate("log => log.scrollTop = log.scrollHeight")
    expect(page.get_by_text("could not be loaded")).to_be_visible()
    page.unroute("**/api/messages?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("That is all: 70 messages.")).to_be_visible()


def test_export_takes_the_filters_along(page: Page, bot: Bot) -> None:
    bot.hear("keep this", "not that")
    open_messages(page, bot, "&q=keep&user=u1")
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    lines = saved.value.path().read_text().splitlines()
    assert len(lines) == 2 and "keep this" in lines[1]


def first_in_sight(page: Page) -> Any:
    return page.evaluate(
        """() => {
          const edge = document.getElementById("messages-log").getBoundingClientRect().top;
          const rows = [...document.querySelectorAll("#messages-log .message")];
          const row = rows.find((one) => one.getBoundingClientRect().bottom > edge + 1);
          return [row.innerText, Math.round(row.getBoundingClientRect().top - edge)];
        }"""
    )
