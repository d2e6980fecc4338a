"""The page about somebody, and their conversations: what they said last, and how it looks from every list."""

import time

import pytest
from playwright.sync_api import Page, expect

from botwatch_collector.pages.filters import user_path

from ..collector.server import Server
from .browsers import Watched
from .conftest import new_bot
from .talk import Bot, event

DAY_MS = 86_400_000
MADE_BY_SCRIPT = """async ([ids, bot]) => {
  const { userPath } = await import("/static/js/user_path.js");
  return ids.map((id) => userPath(id, bot));
}"""
IDS_OF_PAGES = """(paths) => Promise.all(paths.map(async (path) => {
  const page = new DOMParser().parseFromString(await (await fetch(path)).text(), "text/html");
  return page.querySelector(".user-facts dd").textContent;
}))"""
STRANGE = (
    "a/b c", "😀?x=1&y#z%2F", "..", "../up", "/lead//double/", "<b>\"'", "\\back", "+plus +", "ü\u202ename",
)  # fmt: skip


@pytest.fixture
def bot(server: Server) -> Bot:
    """A bot that talks with Chiara now, and talked with her yesterday; and with Dan."""
    added = new_bot(server)
    added.beat()
    now = time.time_ns() // 1_000_000
    chiara = {"user_id": "c-7", "user_name": "Chiara"}
    for ago in (DAY_MS, 60_000):
        added.post(
            event("message", direction="in", text=f"asked {ago}", channel="kitchen", **chiara)
            | {"ts": now - ago},
            event("message", direction="out", text="answered", response_ms=1240, channel="kitchen", **chiara)
            | {"ts": now - ago + 2_000},
        )
    added.hear("I am Dan", user_id="d-8", user_name="Dan", channel="kitchen")
    return added


def kpi(page: Page, title: str) -> str:
    return page.locator(".kpi", has=page.get_by_role("heading", name=title, exact=True)).inner_text()


def test_page_tells_who_it_is_and_what_was_said(page: Page, bot: Bot) -> None:
    failed = {"category": "error", "severity": "error", "status": "failure", "user_id": "c-7"}
    bot.post(event("activity", action="TimeoutError", **failed))
    page.goto(f"{bot.url}/users/c-7?bot={bot.name}&range=7d")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chiara")
    expect(page.locator(".user-facts")).to_contain_text("c-7")
    assert "2" in kpi(page, "Messages written").splitlines()
    assert "1.24 s" in kpi(page, "Response time, median")
    assert "2" in kpi(page, "Sessions").splitlines()
    expect(page.locator(".part-last .text").first).to_have_text("answered")
    expect(page.locator(".part-sessions tbody tr")).to_have_count(2)
    expect(page.locator(".part-activities")).to_contain_text("TimeoutError")
    expect(page.locator("#writing-chart canvas")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.locator("#writing-numbers tbody tr")).to_have_count(7)
    page.get_by_role("link", name="All messages").click()
    expect(page.locator("#messages-log .message")).to_have_count(4)


def test_every_list_leads_to_the_page(page: Page, bot: Bot) -> None:
    for start, place in (
        (f"/monitoring?bot={bot.name}", "#feed"),
        (f"/monitoring/users?bot={bot.name}", "main"),
        (f"/analytics?bot={bot.name}", "#top-users"),
        (f"/messages?bot={bot.name}", "#messages-log"),
    ):
        page.goto(bot.url + start)
        page.locator(place).get_by_role("link", name="Dan").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Dan")
        assert f"bot={bot.name}" in page.url


def test_live_message_leads_to_the_page(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#live-state")).to_have_text("Live")
    bot.hear("hello", user_id="e/9 ?", user_name="Eve")
    page.locator("#feed").get_by_role("link", name="Eve").click()
    expect(page.locator(".user-facts")).to_contain_text("e/9 ?")


def test_any_user_id_has_an_address(page: Page, server: Server) -> None:
    bot = new_bot(server)
    for user_id in STRANGE:
        bot.hear("hello", user_id=user_id, user_name="Somebody")
    page.goto(f"{bot.url}/monitoring/users?bot={bot.name}")
    links = page.get_by_role("link", name="Somebody")
    addresses = links.evaluate_all("links => links.map((link) => link.href)")
    made = page.evaluate(MADE_BY_SCRIPT, [list(STRANGE), bot.name])
    shown = [user_id.replace("\u202e", "[U+202E]") for user_id in STRANGE]
    for paths in (made, [user_path(user_id, bot.name) for user_id in STRANGE]):
        assert page.evaluate(IDS_OF_PAGES, paths) == shown
    assert sorted(page.evaluate(IDS_OF_PAGES, sorted(set(addresses)))) == sorted(shown)


def test_unknown_user_is_said_to_be_unknown(visitor: Watched, bot: Bot) -> None:
    visitor.expect("status of 404")
    page = visitor.page()
    reply = page.goto(f"{bot.url}/users/nobody%3Cb%3E?bot={bot.name}")
    assert reply is not None and reply.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("No such user")
    expect(page.get_by_text("nobody<b>")).to_be_visible()


def test_conversation_marks_the_message_and_parts_the_days(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/messages?bot={bot.name}&user=c-7&q={DAY_MS}")
    page.get_by_role("link", name="Conversation").click()
    bubbles = page.locator(".bubble")
    expect(bubbles).to_have_count(4)
    expect(page.locator("#chosen")).to_contain_text(f"asked {DAY_MS}")
    expect(page.locator("#chosen")).to_be_in_viewport()
    expect(page.locator(".talk-day")).to_have_count(2)
    assert "answered in 1.24 s" in bubbles.nth(1).inner_text()
    page.get_by_role("link", name="All of kitchen").click()
    expect(bubbles).to_have_count(5)
    expect(bubbles.last).to_contain_text("I am Dan")
    page.get_by_role("link", name="This user").click()
    expect(bubbles).to_have_count(4)


def test_conversation_goes_on_in_both_ways(page: Page, server: Server) -> None:
    bot = new_bot(server)
    now = time.time_ns() // 1_000_000
    told = {"direction": "in", "user_id": "u1"}
    bot.post(*(event("message", text=f"number {n}", **told) | {"ts": now + n} for n in range(130)))
    page.goto(f"{bot.url}/messages?bot={bot.name}&q=%22number+60%22")
    page.get_by_role("link", name="Conversation").click()
    bubbles = page.locator(".bubble")
    expect(bubbles).to_have_count(51)
    expect(bubbles.first).to_contain_text("number 35")
    page.get_by_role("link", name="Older", exact=True).click()
    expect(bubbles).to_have_count(35)
    expect(bubbles.last).to_contain_text("number 34")
    page.get_by_role("link", name="Newer", exact=True).click()
    expect(bubbles.first).to_contain_text("number 35")
    page.get_by_role("link", name="Newer", exact=True).click()
    expect(bubbles.last).to_contain_text("number 129")
    page.get_by_role("link", name="The message looked at").click()
    expect(page.locator("#chosen")).to_contain_text("number 60")


def test_unknown_message_is_not_found(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 404")
    page = visitor.page()
    page.goto(f"{server.url}/messages/999999999")
    expect(page.get_by_role("alert")).to_contain_text("no message 999999999")
