"""The pages of bots: how each is, another token for it, retiring it, bringing it back."""

import uuid

from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, Watched, watched
from .conftest import new_bot
from .talk import Bot, event
from .test_settings import PASSWORD, confirm, log_in_as, whoami


def test_list_tells_how_each_bot_is(page: Page, bot: Bot) -> None:
    bot.hear("one", "two")
    page.goto(f"{bot.url}/settings/bots")
    row = page.get_by_role("row", name=bot.name)
    for said in ("up", "just now", "2"):
        expect(row).to_contain_text(said)
    row.get_by_role("link", name=bot.name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(bot.name)


def test_new_token_is_shown_once_and_the_old_goes_on_until_it_is_revoked(page: Page, server: Server) -> None:
    bot = new_bot(server)
    page.goto(f"{server.url}/settings/bots/{bot.name}")
    page.get_by_role("button", name="Make a new token").click()
    secret = page.locator("#made").inner_text()
    expect(page.locator("#two-lines")).to_contain_text(secret)
    assert whoami(page, server.url, secret).json()["bot"] == bot.name
    assert whoami(page, server.url, bot.token).status == 200
    page.reload()
    assert secret not in page.content(), "a reload makes no other one"

    confirm(page.get_by_role("row", name=f"…{bot.token[-4:]}"), "Revoke", "Revoke it for good")
    expect(page.get_by_role("row", name=f"…{bot.token[-4:]}")).to_have_count(0)
    assert whoami(page, server.url, bot.token).status == 401
    assert whoami(page, server.url, secret).status == 200
    assert "alice from 127.0.0.1: made the ingest token" in server.log
    assert secret not in server.log


def test_retired_bot_leaves_the_lists_and_comes_back(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 404")
    page, bot = visitor.page(), new_bot(server)
    bot.post(
        event("heartbeat", interval_s=3_600.0), event("message", direction="in", user_id="1", text="hello")
    )
    page.goto(f"{server.url}/settings/bots/{bot.name}")
    confirm(page.locator("#content"), f"Retire {bot.name}", "Retire it")
    expect(page.get_by_role("row", name=bot.name)).to_contain_text("retired")
    assert whoami(page, server.url, bot.token).status == 401
    assert bot.name not in page.request.get(f"{server.url}/api/monitoring/dashboard").text()
    page.goto(f"{server.url}/monitoring?bot={bot.name}")
    expect(page.get_by_role("alert")).to_contain_text("no bot")
    assert f"alice from 127.0.0.1: retired bot {bot.name}" in server.log

    page.goto(f"{server.url}/settings/bots/{bot.name}")
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_text("Without one it can't send.")).to_be_visible()
    page.goto(f"{server.url}/monitoring?bot={bot.name}")
    expect(page.locator("#feed")).to_contain_text("hello")


def test_viewer_may_not(chromium: Browser, server: Server, bot: Bot) -> None:
    name = f"bob-{uuid.uuid4().hex[:8]}"
    server.add_account(name, PASSWORD)
    with watched(chromium, viewport=PHONE) as watch:
        watch.expect("status of 403")
        page = log_in_as(watch, server, name, PASSWORD)
        page.get_by_role("heading", level=1).wait_for()
        for path in ("/settings/bots", f"/settings/bots/{bot.name}"):
            page.goto(server.url + path)
            expect(page.get_by_text("this needs the role operator")).to_be_visible()
