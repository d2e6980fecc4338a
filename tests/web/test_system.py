"""The System page: how the collector is doing, for everybody; its twin for programs that may see all bots."""

from typing import Any

import requests
from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, watched
from .conftest import new_bot
from .talk import Bot


def test_page_tells_of_ingest_jobs_database_and_retention(page: Page, bot: Bot) -> None:
    bot.hear("one")
    page.goto(f"{bot.url}/system")
    for title in ("Health of the collector", "What to do", "Jobs", "Workers", "Tables", "Slow statements"):
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Table of tables")).to_contain_text("message")
    kept = page.get_by_role("region", name="Table of retention").get_by_role("row", name="heartbeat")
    expect(kept).to_contain_text("7 days")
    expect(kept).to_contain_text("BOTWATCH_KEEP_HEARTBEATS")


def test_page_tells_how_often_an_answer_was_known(page: Page, bot: Bot) -> None:
    bot.hear("one")
    page.goto(f"{bot.url}/analytics")
    page.goto(f"{bot.url}/system")
    known = page.get_by_role("region", name="Table of answers known already")
    expect(known.get_by_role("row", name="Top users of a window")).to_contain_text("%", timeout=60_000)


def test_page_comes_up_to_date_by_itself(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/system")
    before = page.locator("#as-of time").get_attribute("datetime") or ""
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(page.locator("#as-of time")).not_to_have_attribute("datetime", before)
    expect(page.get_by_role("region", name="Table of workers")).to_contain_text("ago", timeout=60_000)


def test_page_reads_on_a_phone_without_a_script(chromium: Browser, cookies: Any, server: Server) -> None:
    with watched(chromium, storage_state=cookies, java_script_enabled=False, viewport=PHONE) as watch:
        page = watch.page()
        page.goto(f"{server.url}/system")
        expect(page.locator(".score")).to_contain_text("of 100")


def test_program_needs_a_token_for_all_bots(server: Server) -> None:
    bot = new_bot(server).name
    whole, own = server.add_read_token(), server.add_read_token(bot)
    address = f"{server.url}/api/status/system/collector"
    told = requests.get(address, headers={"Authorization": f"Bearer {whole}"}, timeout=30).json()
    refused = requests.get(address, headers={"Authorization": f"Bearer {own}"}, timeout=30)

    assert told["database"]["kind"] == "sqlite"
    assert {"score", "factors", "advice", "ingest", "stream", "workers", "jobs", "slow_queries"} < told.keys()
    assert refused.status_code == 403
