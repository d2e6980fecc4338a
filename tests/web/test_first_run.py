"""The set-up page: from a name to the first heartbeat, without a reload."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, Watched, watched
from .conftest import log_in, new_bot
from .talk import Bot

GREEN_WITHIN_MS = 5_000


def name_a_bot(page: Page, server: Server, name: str) -> str:
    """Through the form; the token that the page shows."""
    page.goto(f"{server.url}/first-run")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Make its token").click()
    lines = page.locator("#two-lines").inner_text()
    assert lines.splitlines()[0] == "import botwatch"
    found = re.fullmatch(r'botwatch\.start\(url="(.+)", token="(bw_i_\w+)"\)', lines.splitlines()[1])
    assert found is not None
    assert found[1] == server.url
    return found[2]


def test_new_collector_leads_from_login_to_a_green_first_run_page(
    chromium: Browser, new_server: Server
) -> None:
    with watched(chromium) as watch:
        page = watch.page()
        log_in(page, new_server.url)
        assert page.url == f"{new_server.url}/first-run"
        bot = Bot(new_server.url, "first", name_a_bot(page, new_server, "first"))
        expect(page.get_by_role("heading", name="Waiting for the first sign of life")).to_be_visible()
        page.evaluate("window.stillTheSamePage = true")
        bot.beat()
        connected = page.get_by_role("heading", name="first is connected")
        expect(connected).to_be_visible(timeout=GREEN_WITHIN_MS)
        expect(page.get_by_text("No message yet")).to_be_visible()
        bot.hear("hello")
        expect(page.get_by_text("1 message", exact=True)).to_be_visible(timeout=GREEN_WITHIN_MS)
        assert page.evaluate("window.stillTheSamePage")
        page.get_by_role("button", name="Go to Monitoring").click()
        expect(page.locator(".feed-list > li")).to_have_count(1)
        page.goto(new_server.url)
        assert page.url == f"{new_server.url}/monitoring"


def test_turning_green_is_in_sight_on_a_phone(page: Page, server: Server) -> None:
    page.set_viewport_size(PHONE)
    bot = Bot(server.url, "pocket", name_a_bot(page, server, "pocket"))
    expect(page.get_by_role("heading", name="Waiting for the first sign of life")).to_be_in_viewport()
    bot.beat()
    expect(page.get_by_role("heading", name="pocket is connected")).to_be_in_viewport(timeout=60_000)


def test_first_run_page_turns_green_when_another_bot_reports(chromium: Browser, new_server: Server) -> None:
    with watched(chromium) as watch:
        page = watch.page()
        log_in(page, new_server.url)
        expect(page.get_by_text("Nothing has come from any bot yet")).to_be_visible()
        bot = new_bot(new_server)
        bot.hear("a message without any heartbeat")
        expect(page.get_by_role("heading", name=f"{bot.name} is connected")).to_be_visible(
            timeout=GREEN_WITHIN_MS
        )


def test_token_is_shown_once_and_a_new_one_can_be_made(page: Page, server: Server) -> None:
    token = name_a_bot(page, server, "shown-once")
    expect(page).to_have_url(f"{server.url}/first-run?bot=shown-once")
    page.reload()
    expect(page.locator("#two-lines")).to_contain_text("YOUR_TOKEN")
    assert token not in page.content()
    page.get_by_role("button", name="Make a new token").click()
    fresh = page.locator("#two-lines").inner_text()
    assert "bw_i_" in fresh
    assert token not in fresh


def test_taken_name_is_refused_with_a_reason(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 409")
    server.add_bot("taken")
    page = visitor.page()
    page.goto(f"{server.url}/first-run")
    page.get_by_role("textbox", name="Name").fill("taken")
    page.get_by_role("button", name="Make its token").click()
    expect(page.get_by_role("alert")).to_contain_text("already")


def test_every_framework_has_its_code_with_the_token_filled_in(page: Page, server: Server) -> None:
    token = name_a_bot(page, server, "snippets")
    titles = page.locator(".tabs label").all_inner_texts()
    assert {"Python", "aiogram", "discord.py", "slack-bolt", "matrix-nio", "sopel", "curl"} < set(titles)
    for title in titles:
        page.get_by_text(title, exact=True).click()
        code = page.get_by_role("region", name=f"the code for {title}")
        expect(code).to_be_visible()
        expect(code).to_contain_text(token)


def test_curl_code_works_as_it_stands(page: Page, server: Server) -> None:
    name_a_bot(page, server, "by-curl")
    page.get_by_text("curl", exact=True).click()
    done = subprocess.run(
        ["sh", "-c", page.locator("#code-curl").inner_text()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expect(page.get_by_role("heading", name="by-curl is connected")).to_be_visible(timeout=GREEN_WITHIN_MS)


@pytest.mark.parametrize(("name", "code"), [("two-lines", "#two-lines"), ("python", "#code-python")])
def test_code_works_as_it_stands(page: Page, server: Server, tmp_path: Path, name: str, code: str) -> None:
    name_a_bot(page, server, f"by-{name}")
    (tmp_path / "bot.py").write_text(page.locator(code).inner_text() + "\ninput()\n")
    environment = {**os.environ, "BOTWATCH_SPOOL": str(tmp_path / "spool")}
    bot = subprocess.Popen([sys.executable, "bot.py"], cwd=tmp_path, stdin=subprocess.PIPE, env=environment)
    try:
        green = page.get_by_role("heading", name=f"by-{name} is connected")
        expect(green).to_be_visible(timeout=20_000)
        if name == "python":
            expect(page.get_by_text("2 messages")).to_be_visible(timeout=20_000)
    finally:
        bot.communicate(b"\n")


def test_viewer_is_told_whom_to_ask(chromium: Browser, new_server: Server) -> None:
    new_server.add_account("bob", "another long password")
    with watched(chromium) as watch:
        page = watch.page()
        page.goto(f"{new_server.url}/login")
        page.get_by_label("User name").fill("bob")
        page.get_by_label("Password").fill("another long password")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("ask one of them")).to_be_visible()
        assert page.get_by_role("button", name="Make its token").count() == 0
