"""The Monitoring page: its figures, what opens from them, and that they come up to date by themselves."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from ..collector.server import Server
from .browsers import PHONE, Watched, until, watched
from .conftest import log_in, new_bot
from .talk import Bot, event


def card(page: Page, title: str) -> str:
    return page.locator(".kpi", has=page.get_by_role("heading", name=title, exact=True)).inner_text()


def refresh(page: Page) -> None:
    """What happens by itself every 15 seconds."""
    with page.expect_response(lambda reply: urlsplit(reply.url).path == "/monitoring/figures"):
        page.evaluate("htmx.trigger('#refresher', 'refresh')")


def test_page_shows_the_figures_of_the_chosen_bot(page: Page, bot: Bot, server: Server) -> None:
    new_bot(server).hear("a message of another bot")
    bot.hear("one", "two", user_id="1", user_name="Alice")
    bot.hear("three", user_id="2", user_name="Bob")
    bot.say("answer", response_ms=250)
    page.goto(f"{server.url}/monitoring?bot={bot.name}")
    assert "4" in card(page, "Messages, 24 h").splitlines()
    assert "2 now" in card(page, "Active users")
    assert "2 today" in card(page, "Active users")
    assert "250 ms" in card(page, "Response time")
    assert "280 ms" in card(page, "Wait")


def test_figures_come_up_to_date_without_a_reload(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    numbers = page.locator("#volume-numbers")
    before = numbers.get_attribute("data-series")
    bot.hear("one", "two")
    refresh(page)
    expect(numbers).not_to_have_attribute("data-series", before or "")
    assert "2" in card(page, "Messages, 24 h").splitlines()


def test_chart_is_drawn_and_redrawn_for_another_theme_and_width(page: Page, bot: Bot) -> None:
    bot.hear("one")
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    canvas = page.locator("#volume-chart canvas")
    expect(canvas).to_be_visible()
    light = canvas.evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="dark")
    until(page, "light => document.querySelector('#volume-chart canvas').toDataURL() !== light", light)
    page.set_viewport_size(PHONE)
    until(page, "() => document.querySelector('#volume-chart canvas').clientWidth < 390")


def test_pointing_at_an_hour_reads_its_figures(page: Page, bot: Bot) -> None:
    bot.hear("one", "two")
    bot.say("three")
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    over = page.locator("#volume-chart .u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 6, box["y"] + 20)
    expect(page.locator("#volume-readout")).to_contain_text("2 received, 1 sent; 0 the day before")


def test_indicator_tells_its_last_check_and_opens_diagnostics(page: Page, bot: Bot) -> None:
    bot.beat(
        checks={"Telegram API": {"status": "fail", "message": "429 Too Many Requests", "latency_ms": 82}}
    )
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    indicator = page.get_by_role("link", name="Telegram API")
    tip = page.get_by_role("tooltip").filter(has_text="429 Too Many Requests")
    expect(tip).to_be_hidden()
    indicator.focus()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("Last check")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("82 ms")
    refresh(page)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(indicator).to_be_focused()


def test_active_users_open_as_a_list_with_names_and_ids(page: Page, bot: Bot) -> None:
    bot.hear("hello", user_id="4711", user_name="Alice")
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    page.get_by_role("link", name="1 today").click()
    row = page.get_by_role("dialog").get_by_role("row", name="Alice").first
    expect(row).to_contain_text("4711")
    expect(row).to_contain_text("just now")


def test_instance_shows_its_resources_and_losses(page: Page, bot: Bot) -> None:
    bot.post(event("sample", cpu_percent=12.5, memory_bytes=150 << 20, loop_lag_ms=820.0))
    spool = {"events": 7, "bytes": 700, "oldest_age_s": 4.0, "place": "memory"}
    own = {"sent_per_s": 16.94, "errors": 5, "cpu_s": 0.06}
    bot.beat(spool=spool, losses={"full": 3}, update_age_s=12.0, **own)
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    row = page.get_by_role("row", name=bot.name)
    for said in ("up", "host-1", "12.5 %", "150 MB", "820 ms", "12 s ago", "7", "3 lost", "in memory"):
        expect(row).to_contain_text(said)
    for said in ("16.9/s sent", "oldest 4 s", "5 errors", "agent 0.10 % CPU"):
        expect(row).to_contain_text(said)


def test_bot_is_chosen_in_the_address(page: Page, bot: Bot, server: Server) -> None:
    page.goto(f"{server.url}/monitoring")
    page.locator("summary", has_text="All bots").click()
    page.get_by_role("banner").get_by_role("link", name=bot.name, exact=True).click()
    expect(page).to_have_url(f"{server.url}/monitoring?bot={bot.name}")
    expect(page.get_by_role("heading", level=1)).to_have_text(bot.name)


def test_unknown_bot_is_an_error_page_that_says_so(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 404")
    page = visitor.page()
    page.goto(f"{server.url}/monitoring?bot=nobody")
    expect(page.get_by_role("alert")).to_contain_text("no bot 'nobody'")


def test_bot_without_messages_shows_empty_states(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/monitoring?bot={new_bot(server).name}")
    expect(page.get_by_text("No messages yet")).to_be_visible()
    expect(page.get_by_text("No instance has reported yet")).to_be_visible()
    assert "\u2013" in card(page, "Response time")


def test_times_are_those_of_the_readers_zone(chromium: Browser, cookies: Any, bot: Bot) -> None:
    with watched(chromium, storage_state=cookies, timezone_id="Australia/Adelaide") as watch:
        page = watch.page()
        bot.hear("one")
        page.goto(f"{bot.url}/monitoring?bot={bot.name}")
        page.reload()
        assert page.locator("html").get_attribute("data-zone") == "Australia/Adelaide"
        shown = page.locator(".feed-list time").first
        local = page.evaluate(
            "iso => new Date(iso).toTimeString().slice(0, 8)", shown.get_attribute("datetime")
        )
        assert shown.inner_text() == local
        page.get_by_text("As a table").click()
        expect(page.locator("#volume-numbers tbody th").first).to_have_text(f"{local[:2]}:00")


def test_zone_of_a_cookie_is_a_known_zone_or_none(chromium: Browser, cookies: Any, bot: Bot) -> None:
    with watched(chromium, storage_state=cookies, java_script_enabled=False) as watch:
        page = watch.page()
        for told, taken in (("Europe/Rome", "Europe/Rome"), ("../../../etc/passwd", "UTC"), ("%00", "UTC")):
            watch.context.add_cookies([{"name": "tz", "value": told, "url": bot.url}])
            page.goto(f"{bot.url}/monitoring?bot={bot.name}")
            assert page.locator("html").get_attribute("data-zone") == taken


def test_failing_refresh_is_told_and_taken_back(visitor: Watched, bot: Bot) -> None:
    visitor.expect("ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
    page = visitor.page()
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    failure = page.get_by_text("could not be brought up to date")
    expect(failure).to_be_hidden()
    page.route("**/monitoring/figures*", lambda route: route.abort())
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(failure).to_be_visible()
    page.unroute("**/monitoring/figures*")
    page.evaluate("htmx.trigger('#refresher', 'refresh')")
    expect(failure).to_be_hidden()


def test_ended_login_leads_back_to_the_login_page(chromium: Browser, server: Server, bot: Bot) -> None:
    with watched(chromium) as watch:
        watch.expect("status of 401")
        page = watch.page()
        log_in(page, server.url)
        page.goto(f"{server.url}/monitoring?bot={bot.name}")
        expect(page.locator("#live-state")).to_have_text("Live")
        watch.context.clear_cookies()
        page.evaluate("htmx.trigger('#refresher', 'refresh')")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_errors_and_hangs_appear_with_their_places_and_open_with_their_stacks(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")
    troubles = page.locator("#troubles")
    expect(troubles).to_contain_text("No errors, and nothing hangs")

    bot.fail(message="LookupError: no such parcel")
    bot.fail()
    bot.hang("hanging", 2_100, since=1)
    refresh(page)
    expect(troubles.get_by_role("row", name="LookupError")).to_contain_text("/srv/shop/bot.py:17")
    expect(troubles.get_by_role("row", name="LookupError")).to_contain_text("2 \N{MULTIPLICATION SIGN}")
    expect(troubles.get_by_role("row", name="Event loop")).to_contain_text("hangs")
    bot.hang("over", 15_000, since=1)
    refresh(page)
    expect(troubles.get_by_role("row", name="Event loop")).to_have_count(1)
    expect(troubles.get_by_role("row", name="Event loop")).to_contain_text("15.0 s")

    page.get_by_role("link", name="Stacks").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("/srv/shop/bot.py:21 in nap")
    expect(dialog).to_contain_text("/srv/shop/bot.py:9 in order")
    refresh(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Stacks")).to_be_focused()


def test_check_opens_with_its_last_answers(page: Page, bot: Bot) -> None:
    bot.beat(checks={"orders": {"status": "ok"}})
    bot.post(event("check", name="orders", status="fail", message="refused an hour ago", latency_ms=1_500))
    bot.post(event("check", name="orders", status="ok", latency_ms=3))
    page.goto(f"{bot.url}/monitoring?bot={bot.name}")

    page.get_by_role("link", name="orders").click()

    answers = page.get_by_role("dialog").locator(".answers li")
    expect(answers).to_have_count(2)
    expect(answers.nth(0)).to_contain_text("all right")
    expect(answers.nth(1)).to_contain_text("refused an hour ago")
