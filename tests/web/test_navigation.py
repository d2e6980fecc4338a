"""Getting about: the bot switcher, the keyboard, the search box, and what is at the foot of every page."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, watched
from .conftest import PASSWORD, USERNAME, new_bot
from .talk import Bot
from .test_every_page import tab_until


@pytest.fixture
def plain_page(chromium: Browser, cookies: Any) -> Iterator[Page]:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        yield watch.page()


def test_another_bot_is_shown_with_the_same_range(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?range=custom&from=2026-11-01&to=2026-11-02&tz=Asia/Kolkata")
    page.locator("summary", has_text="All bots").click()
    page.get_by_role("link", name=bot.name, exact=True).click()
    asked = "range=custom&from=2026-11-01&to=2026-11-02&tz=Asia%2FKolkata"
    assert page.url == f"{bot.url}/analytics?{asked}&bot={bot.name}"
    expect(page.get_by_text("1 Nov 2026 to 2 Nov 2026, Asia/Kolkata")).to_be_visible()
    page.get_by_role("link", name="Compare").click()
    assert page.url.endswith(f"{asked}&bot={bot.name}&compare=none")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Analytics").click()
    assert page.url.endswith(f"{asked}&bot={bot.name}&compare=none")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Monitoring").click()
    assert page.url == f"{bot.url}/monitoring?bot={bot.name}"


def test_keys_lead_everywhere_and_are_told(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Analytics")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert "/monitoring" in page.url, "a dialog is open"
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("link", name="30 days")).to_be_visible()
    assert page.url == f"{bot.url}/analytics?bot={bot.name}"
    page.wait_for_load_state()
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Search bots, users and messages")
    expect(box).to_be_focused()
    page.keyboard.type("g?a/")
    expect(box).to_have_value("g?a/")
    box.fill(bot.name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=bot.name, exact=True)).to_be_visible()


def test_whole_way_is_walked_by_keys(chromium: Browser, server: Server, bot: Bot) -> None:
    bot.hear("hello", user_id="u1")
    with watched(chromium) as watch:
        page = watch.page()
        page.goto(f"{server.url}/login")
        expect(page.get_by_label("User name")).to_be_focused()
        page.keyboard.type(USERNAME)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#live-state")).to_have_text("Live")
        tab_until(page, lambda: focused(page).startswith("Bot:"))
        page.keyboard.press("Enter")
        tab_until(page, lambda: focused(page) == bot.name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(bot.name)
        page.wait_for_load_state()
        page.keyboard.press("g")
        page.keyboard.press("a")
        expect(page.get_by_role("link", name="7 days")).to_be_visible()
        tab_until(page, lambda: focused(page) == "7 days")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
        tab_until(page, lambda: focused(page).startswith("Custom"))
        page.keyboard.press("Enter")
        expect(page.get_by_label("From")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_label("From")).to_be_hidden()


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


def test_slash_leads_to_the_search_page_where_the_header_has_no_room(
    chromium: Browser, cookies: Any, bot: Bot
) -> None:
    with watched(chromium, storage_state=cookies, viewport=PHONE) as watch:
        page = watch.page()
        page.goto(f"{bot.url}/monitoring")
        page.keyboard.press("/")
        expect(page.get_by_label("A bot, the beginning of")).to_be_focused()


def test_search_finds_bots_and_users_without_a_script(plain_page: Page, server: Server, bot: Bot) -> None:
    other = new_bot(server)
    bot.hear("hello", user_id="find-me-1", user_name="<b>Zora</b> Zappa")
    other.hear("hello", user_id="find-me-2", user_name="Zora")
    plain_page.goto(f"{bot.url}/search?q=zor")
    expect(plain_page.get_by_role("row", name="find-me-2")).to_be_visible()
    expect(plain_page.get_by_role("row", name="find-me-1")).to_be_hidden()
    plain_page.goto(f"{bot.url}/monitoring")
    plain_page.get_by_role("searchbox").first.fill("find-me")
    plain_page.get_by_role("searchbox").first.press("Enter")
    expect(plain_page.get_by_role("row", name="<b>Zora</b> Zappa")).to_be_visible()
    plain_page.goto(f"{bot.url}/search?q=find-me&bot={bot.name}")
    expect(plain_page.get_by_role("row", name="find-me-1")).to_be_visible()
    expect(plain_page.get_by_role("row", name="find-me-2")).to_be_hidden()
    plain_page.goto(f"{bot.url}/search?q={bot.name[4:]}")
    plain_page.get_by_role("link", name=bot.name, exact=True).click()
    assert plain_page.url == f"{bot.url}/monitoring?bot={bot.name}"
    bot.hear("where is my <i>zebra</i>?", "no such animal")
    plain_page.goto(f"{bot.url}/search?q=zebra&bot={bot.name}")
    found = plain_page.get_by_role("region", name="Table of messages found").locator("tbody tr")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("where is my <i>zebra</i>?")
    plain_page.goto(f"{bot.url}/search?q=nobody-and-nothing")
    expect(plain_page.get_by_text("Nothing found")).to_be_visible()


def test_dashboard_and_alerts_are_one_click_from_the_foot_of_a_page(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_role("link", name="Prometheus and Grafana").click()
    expect(page.locator("#scrape")).to_contain_text(server.url.removeprefix("http://"))
    with page.expect_download() as rules:
        page.get_by_role("button", name="Download the alerting rules").click()
    assert rules.value.path().read_text(encoding="utf-8").startswith("# ")
    with page.expect_download() as dashboard:
        page.get_by_role("button", name="Download the dashboard").click()
    assert json.loads(dashboard.value.path().read_text(encoding="utf-8"))["panels"]


def test_api_is_described_to_everyone(page: Page, chromium: Browser, server: Server) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_role("link", name="API", exact=True).click()
    page.get_by_role("link", name="Timeline", exact=True).first.click()
    expect(page.get_by_role("heading", name="Timeline", exact=True)).to_be_in_viewport()
    with watched(chromium) as watch:
        theirs = watch.page()
        theirs.goto(f"{server.url}/api/docs")
        expect(theirs.get_by_role("heading", name="API", exact=True)).to_be_visible()
