"""The live feed: messages appear without a reload, wait while it is paused, and survive a lost connection."""

from playwright.sync_api import Locator, Page, expect

from ..collector.server import Server
from .browsers import Watched
from .conftest import new_bot
from .talk import Bot


def open_feed(page: Page, bot: Bot) -> Locator:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#live-state")).to_have_text("Live")
    return page.locator(".feed-list > li")


def texts(rows: Locator) -> list[str]:
    return rows.locator(".text").all_inner_texts()


def test_new_message_appears_without_a_reload(page: Page, bot: Bot) -> None:
    bot.hear("before the page was opened")
    rows = open_feed(page, bot)
    page.evaluate("window.stillTheSamePage = true")
    bot.hear("Is anybody there?", user_name="Bob")
    expect(rows.first).to_contain_text("Is anybody there?")
    expect(rows.first).to_contain_text("Bob")
    bot.say("Of course.", response_ms=1240)
    expect(rows.first).to_contain_text("1.24 s")
    assert texts(rows) == ["Of course.", "Is anybody there?", "before the page was opened"]
    assert page.evaluate("window.stillTheSamePage")


def test_paused_feed_holds_messages_and_shows_them_on_resume(page: Page, bot: Bot) -> None:
    rows = open_feed(page, bot)
    page.get_by_role("button", name="Pause").click()
    bot.hear("one", "two")
    expect(page.get_by_role("button", name="Resume (2 new)")).to_be_visible()
    assert texts(rows) == []
    page.get_by_role("button", name="Resume").click()
    expect(rows).to_have_count(2)
    assert texts(rows) == ["two", "one"]
    bot.hear("three")
    expect(rows).to_have_count(3)


def test_feed_keeps_the_last_fifty(page: Page, bot: Bot) -> None:
    bot.hear(*(f"old {number}" for number in range(60)))
    rows = open_feed(page, bot)
    expect(rows).to_have_count(50)
    bot.hear(*(f"new {number}" for number in range(30)))
    expect(rows.first).to_contain_text("new 29")
    expect(rows).to_have_count(50)
    assert texts(rows)[29:31] == ["new 0", "old 59"]


def test_burst_of_thousands_leaves_the_last_fifty(page: Page, bot: Bot) -> None:
    rows = open_feed(page, bot)
    bot.hear(*(f"message {number}" for number in range(4_000)))
    expect(rows.first).to_contain_text("message 3999", timeout=20_000)
    assert texts(rows) == [f"message {number}" for number in range(3_999, 3_949, -1)]


def test_filter_by_text_user_and_direction_reaches_old_and_new_messages(page: Page, bot: Bot) -> None:
    bot.hear("I want a refund", user_id="7", user_name="Chiara")
    bot.hear("hello", user_id="8", user_name="Dan")
    bot.say("hello Dan", user_id="8", user_name="Dan")
    rows = open_feed(page, bot)
    find = page.get_by_label("Filter by text or user")
    find.fill("REFUND")
    expect(rows).to_have_count(1)
    bot.hear("where is my refund", "something else")
    expect(rows).to_have_count(2)
    find.fill("dan")
    expect(rows).to_have_count(2)
    page.get_by_label("Direction").select_option("out")
    expect(rows).to_have_count(1)
    find.fill("nothing like this")
    expect(page.get_by_text("No message matches")).to_be_visible()
    find.fill("")
    page.get_by_label("Direction").select_option("")
    expect(rows).to_have_count(5)


def test_feed_of_one_bot_shows_no_message_of_another(page: Page, bot: Bot, server: Server) -> None:
    other = new_bot(server)
    rows = open_feed(page, bot)
    other.hear("not for you")
    bot.hear("for you")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("for you")
    page.goto(f"{server.url}/monitoring")
    expect(page.locator(".feed-list")).to_contain_text("not for you")


def test_lost_connection_is_told_and_nothing_is_missed_or_doubled(visitor: Watched, server: Server) -> None:
    visitor.expect("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    visitor.expect("ERR_EMPTY_RESPONSE", "htmx:")
    bot, page = new_bot(server), visitor.page()
    bot.beat()
    rows = open_feed(page, bot)
    bot.hear(*(f"before {number}" for number in range(5)))
    expect(rows).to_have_count(5)
    server.kill9()
    expect(page.locator("#live-state")).to_contain_text("Connection lost")
    server.restart()
    bot.hear(*(f"between {number}" for number in range(5)))
    expect(page.locator("#live-state")).to_have_text("Live", timeout=30_000)
    bot.hear(*(f"after {number}" for number in range(5)))
    expect(rows.first).to_contain_text("after 4")
    wanted = [f"{when} {number}" for when in ("after", "between", "before") for number in range(4, -1, -1)]
    assert texts(rows) == wanted
