"""Without JavaScript everything is there but what updates by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import watched
from .conftest import log_in, new_bot
from .talk import Bot


@pytest.fixture
def plain_page(chromium: Browser, cookies: Any) -> Iterator[Page]:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        yield watch.page()


def test_login_leads_to_the_figures_and_the_feed(chromium: Browser, server: Server, bot: Bot) -> None:
    bot.hear("hello", user_name="Alice")
    bot.say("good morning", response_ms=250)
    with watched(chromium, java_script_enabled=False) as watch:
        page = watch.page()
        log_in(page, server.url)
        page.locator("summary", has_text="All bots").click()
        page.get_by_role("banner").get_by_role("link", name=bot.name, exact=True).click()
        expect(page.locator(".feed-list > li")).to_have_count(2)
        expect(page.locator("#kpis")).to_contain_text("250 ms")
        page.get_by_text("As a table").click()
        expect(page.locator("#volume-numbers tbody tr")).to_have_count(24)
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        expect(page.get_by_label("Filter by text or user")).to_be_hidden()


def test_details_open_as_pages_of_their_own(plain_page: Page, bot: Bot) -> None:
    bot.hear("hello", user_id="4711", user_name="Alice")
    plain_page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    plain_page.get_by_role("link", name="1 today").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Active users")
    expect(plain_page.get_by_role("row", name="4711").first).to_be_visible()
    plain_page.get_by_role("link", name="Back to Monitoring").click()
    plain_page.get_by_role("link", name="Database").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Health")


def test_bot_is_set_up_and_looked_for_again(plain_page: Page, server: Server) -> None:
    bot = new_bot(server)
    plain_page.goto(f"{server.url}/first-run?bot={bot.name}")
    plain_page.get_by_role("button", name="Make a new token").click()
    expect(plain_page.locator("#two-lines")).to_contain_text("bw_i_")
    plain_page.get_by_text("aiogram", exact=True).click()
    expect(plain_page.locator("#code-aiogram")).to_be_visible()
    bot.beat()
    plain_page.get_by_role("link", name="Look again").click()
    expect(plain_page.get_by_role("heading", name=f"{bot.name} is connected")).to_be_visible()
