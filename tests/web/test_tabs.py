"""Several tabs of one browser: one connection to the collector, and each tab shows every message once.

That there is only one needs no counting: the collector lets in no second reader, and every tab is live.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import Watched, watched
from .conftest import log_in, new_bot, started
from .talk import Bot

# What a browser complains of while the collector is away, and a full one refuses a stream.
LOST = (
    "ERR_CONNECTION_REFUSED",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "htmx:",
    "503",
)
WITHOUT_WORKER = "delete window.SharedWorker"
BROKEN_WORKER = """
  const Real = window.SharedWorker;
  window.SharedWorker = function (url, options) { return new Real("/static/js/nothing-here.js", options); };
"""


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Server]:
    """A server that lets in one reader and no more."""
    server = started(tmp_path)
    server.environment |= {"BOTWATCH_MAX_STREAMS": "1"}
    with server:
        yield server


@pytest.fixture
def browser_of_alice(strict: Server, chromium: Browser) -> Iterator[Watched]:
    with watched(chromium) as watch:
        watch.expect(*LOST)
        log_in(watch.page(), strict.url)
        yield watch


@pytest.fixture
def bot(strict: Server) -> Bot:
    added = new_bot(strict)
    added.beat()
    return added


def tab(watch: Watched, bot: Bot, query: str = "") -> Page:
    page = watch.page()
    page.goto(f"{bot.url}/monitoring{query}")
    expect(page.locator("#live-state")).to_have_text("Live")
    return page


def texts(page: Page) -> list[str]:
    return page.locator(".feed-list > li .text").all_inner_texts()


def shows(page: Page, *wanted: str) -> None:
    """All of these, each once, the newest first."""
    expect(page.locator(".feed-list > li")).to_have_count(len(wanted))
    assert texts(page) == list(reversed(wanted))


def test_tabs_share_one_connection_and_lose_nothing_when_the_collector_starts_again(
    browser_of_alice: Watched, strict: Server, bot: Bot
) -> None:
    other = new_bot(strict)
    bot.hear("before")
    pages = [tab(browser_of_alice, bot), tab(browser_of_alice, bot, f"?bot={bot.name}")]
    bot.hear("in two tabs")
    pages.append(tab(browser_of_alice, bot, f"?bot={other.name}"))
    other.hear("of another")
    bot.hear("in three tabs")
    shows(pages[0], "before", "in two tabs", "of another", "in three tabs")
    shows(pages[1], "before", "in two tabs", "in three tabs")
    shows(pages[2], "of another")

    strict.kill9()
    for page in pages:
        expect(page.locator("#live-state")).to_contain_text("Connection lost")
    strict.restart()
    bot.hear("while they were away")
    for page in pages:
        expect(page.locator("#live-state")).to_have_text("Live", timeout=30_000)
    other.hear("after")

    shows(pages[0], "before", "in two tabs", "of another", "in three tabs", "while they were away", "after")
    shows(pages[1], "before", "in two tabs", "in three tabs", "while they were away")
    shows(pages[2], "of another", "after")


def test_connection_outlives_the_tab_that_opened_it_and_ends_with_the_last(
    browser_of_alice: Watched, strict: Server, bot: Bot, chromium: Browser
) -> None:
    first, second = tab(browser_of_alice, bot), tab(browser_of_alice, bot)
    first.close()
    bot.hear("still here")
    shows(second, "still here")
    second.close()

    with watched(chromium) as another:
        another.expect(*LOST)
        log_in(another.page(), strict.url)
        shows(tab(another, bot), "still here")


def test_stream_ends_with_the_login_and_goes_on_with_the_next(browser_of_alice: Watched, bot: Bot) -> None:
    browser_of_alice.expect("401", "htmx:", "ERR_FAILED")
    page, other = tab(browser_of_alice, bot), browser_of_alice.page()
    # The next look at the figures would lead it to the login page.
    page.route("**/monitoring/figures*", lambda route: route.abort())
    other.goto(f"{bot.url}/monitoring")
    other.locator("form[action='/logout']").evaluate("form => form.submit()")
    expect(page.locator("#live-state")).to_contain_text("Connection lost")
    bot.hear("while nobody was logged in")

    log_in(other, bot.url)
    expect(page.locator("#live-state")).to_have_text("Live", timeout=40_000)
    shows(page, "while nobody was logged in")


@pytest.mark.parametrize("missed", [30, 1_100])
def test_tab_that_knows_less_than_the_others_is_caught_up(
    browser_of_alice: Watched, bot: Bot, missed: int
) -> None:
    late = browser_of_alice.page()
    browser_of_alice.expect("ERR_FAILED")
    late.route("**/static/js/app.js", lambda route: route.abort())
    late.goto(f"{bot.url}/monitoring")
    first = tab(browser_of_alice, bot)
    bot.hear(*(f"message {number}" for number in range(missed)))
    newest = [f"message {number}" for number in range(missed)][-50:]
    expect(first.locator(".feed-list > li").first).to_contain_text(newest[-1])

    # Its own script begins only now, from a place that the others have long left.
    late.add_script_tag(type="module", url="/static/js/app.js?late")
    expect(late.locator(".feed-list > li").first).to_contain_text(newest[-1], timeout=30_000)
    shows(late, *newest)
    bot.hear("to both")
    for page in (first, late):
        expect(page.locator(".feed-list > li").first).to_contain_text("to both")
        shows(page, *[*newest, "to both"][-50:])


@pytest.mark.parametrize("script", [WITHOUT_WORKER, BROKEN_WORKER])
def test_browser_without_shared_workers_has_a_connection_for_each_tab(
    visitor: Watched, server: Server, script: str
) -> None:
    visitor.expect("404")
    visitor.context.add_init_script(script)
    bot = new_bot(server)
    bot.beat()
    pages = [tab(visitor, bot, f"?bot={bot.name}") for _ in range(2)]
    bot.hear("one", "two")
    for page in pages:
        shows(page, "one", "two")
