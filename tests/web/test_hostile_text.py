"""What users write is shown and never obeyed, whether the server or a script puts it on the page."""

import pytest
from playwright.sync_api import Page, expect

from ..collector.server import Server
from .browsers import Watched
from .talk import Bot

HOSTILE = (
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "</template></li></ol><h1>owned</h1>",
    '"><svg onload="document.title=\'owned\'">',
    "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "javascript:document.title='owned'",
)
INVISIBLE = {
    "invoice \u202egpj.exe": "invoice [U+202E]gpj.exe",
    "zero\u200bwidth": "zero[U+200B]width",
    "bell \u0007 and \u001b[31m": "bell [U+0007] and [U+001B][31m",
    "next\u2028line": "next[U+2028]line",
    "\ufeffmark": "[U+FEFF]mark",
}
WANTED = "family \U0001f468\u200d\U0001f469\u200d\U0001f467 \u0645\u0631\u062d\u0628\u0627"


@pytest.mark.parametrize("live", [False, True], ids=["in the page", "by the stream"])
def test_hostile_message_is_inert(page: Page, bot: Bot, live: bool) -> None:
    if not live:
        send(bot)
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#live-state")).to_have_text("Live")
    if live:
        send(bot)
    rows = page.locator(".feed-list > li")
    expect(rows).to_have_count(len(HOSTILE) + len(INVISIBLE) + 1)
    shown = reversed(rows.locator(".text").all_text_contents())
    assert [text.strip() for text in shown] == [*HOSTILE, *INVISIBLE.values(), WANTED]
    names = rows.locator(".name").all_text_contents()
    assert names[-1] == HOSTILE[0]
    assert "owned" not in page.title()
    assert page.locator("h1").count() == 1
    assert page.locator(".feed-list script, .feed-list img, .feed-list svg").count() == 0


def test_hostile_names_are_inert_in_lists(page: Page, bot: Bot) -> None:
    bot.hear("hello", user_id=HOSTILE[1], user_name=HOSTILE[0])
    bot.beat(checks={HOSTILE[0]: {"status": "fail", "message": HOSTILE[1]}}, version=HOSTILE[2])
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    page.get_by_role("link", name="1 today").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE[0])
    page.keyboard.press("Escape")
    page.locator("#health").get_by_role("link", name=HOSTILE[0]).click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE[1])
    assert "owned" not in page.title()


def test_hostile_words_are_inert_where_they_are_looked_up(page: Page, bot: Bot) -> None:
    bot.hear(*HOSTILE, user_id=HOSTILE[1], user_name=HOSTILE[0], channel=HOSTILE[2])
    page.goto(f"{bot.url}/messages?bot={bot.name}&q=owned+-nothing")
    expect(page.locator("#live-state")).to_have_text("Live")
    rows = page.locator("#messages-log .message")
    expect(rows).to_have_count(len([text for text in HOSTILE if "owned" in text]))
    assert page.locator("mark").all_inner_texts() == ["owned"] * rows.count()
    bot.hear(HOSTILE[0], user_name=HOSTILE[3])
    expect(rows.first.locator(".name")).to_have_text(HOSTILE[3])
    expect(rows.first.locator(".text")).to_have_text(HOSTILE[0])
    rows.last.get_by_role("link", name="Conversation").click()
    expect(page.locator(".bubble .text")).to_have_text([*HOSTILE])
    page.get_by_role("link", name="Page of the user").click()
    expect(page.locator(".user-facts")).to_contain_text(HOSTILE[1])
    assert "owned" not in page.title().replace(HOSTILE[0], "")
    assert page.locator("main script, main img").count() == 0


def test_hostile_errors_are_inert(page: Page, bot: Bot) -> None:
    bot.fail(HOSTILE[0], place=HOSTILE[1], message=HOSTILE[2], stack=[HOSTILE[3]])
    bot.hang("over", 15_000, since=1, place=HOSTILE[5])
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    expect(page.locator("#troubles")).to_contain_text(HOSTILE[0])
    page.get_by_role("link", name="Stacks").click()
    for text in (*HOSTILE[:4], HOSTILE[5]):
        expect(page.get_by_role("dialog")).to_contain_text(text)
    assert "owned" not in page.title()


def test_hostile_address_is_inert(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 404")
    page = visitor.page()
    page.goto(f"{server.url}/monitoring?bot=%3Cscript%3Edocument.title%3D'owned'%3C/script%3E")
    expect(page.get_by_role("alert")).to_contain_text("<script>")
    assert "owned" not in page.title()


def send(bot: Bot) -> None:
    for text in (*HOSTILE, *INVISIBLE, WANTED):
        bot.hear(text, user_name=text)
