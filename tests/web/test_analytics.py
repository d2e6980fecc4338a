"""The Analytics page: its figures, its range in the address, its charts and what can be saved of them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from ..collector.server import Server
from .browsers import until
from .conftest import new_bot
from .talk import Bot, event

DAY_MS = 86_400_000


@pytest.fixture
def bot(server: Server) -> Bot:
    """A bot with five weeks of ten messages a day, and one day, two days ago, with a hundred."""
    added = new_bot(server)
    now = time.time_ns() // 1_000_000
    said = [
        event(
            "message", direction="in", text="hello", user_id=f"u{number % 3}", user_name=f"User {number % 3}"
        )
        | {"ts": now - day * DAY_MS}
        for day in range(1, 36)
        for number in range(100 if day == 2 else 10)
    ]
    answer = event("message", direction="out", text="yes", user_id="u1", response_ms=250) | {
        "ts": now - DAY_MS
    }
    added.post(*said, answer)
    return added


def kpi(page: Page, title: str) -> str:
    return page.locator(".kpi", has=page.get_by_role("heading", name=title, exact=True)).inner_text()


def test_page_shows_the_figures_of_its_range(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=7d")
    # Six whole days and today, which has none yet: 5 x 10 + 100 received, one sent.
    assert "151" in kpi(page, "Messages")
    assert "3" in kpi(page, "Users").splitlines()
    assert "250 ms" in kpi(page, "Response time, average")
    page.get_by_text("As a table").click()
    row = page.locator("#course-numbers tbody tr", has_text="more than the usual")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("more than the usual 10")


def test_range_is_chosen_by_links_and_days_and_kept_in_the_address(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}")
    expect(page.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="7 days").click()
    assert f"bot={bot.name}" in page.url and "range=7d" in page.url
    page.get_by_role("link", name="Hour", exact=True).click()
    assert "bucket=hour" in page.url and "range=7d" in page.url
    day = datetime.now(UTC).date() - timedelta(days=2)
    page.get_by_text("Custom …").click()
    page.get_by_label("From").fill(f"{day}T00:00")
    page.get_by_label("To", exact=True).fill(f"{day + timedelta(days=1)}T00:00")
    page.get_by_role("button", name="Show").click()
    assert "100" in kpi(page, "Messages").splitlines()
    shown = page.url
    page.reload()
    assert page.url == shown and "100" in kpi(page, "Messages").splitlines()


def test_both_charts_are_drawn_and_read_out_together(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=7d")
    expect(page.locator("#users-chart canvas")).to_be_visible()
    over = page.locator("#course-chart .u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    readout = page.locator("#course-readout")
    expect(readout).to_contain_text("so far: 0 messages")
    page.mouse.move(box["x"] + box["width"] * 4 / 6, box["y"] + 20)
    expect(readout).to_contain_text("100 messages")
    expect(readout).to_contain_text("unusual, 10 were expected")
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("Point at the chart")


def test_chart_is_saved_as_an_image(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=7d")
    expect(page.locator("#course-chart canvas")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as image").click()
    assert saved.value.suggested_filename.endswith(".png")
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")


def test_heatmap_tells_each_hour_exactly(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=7d")
    cell = page.locator(".heat td[title$=': 100']")
    expect(cell).to_have_text("100")
    cell.hover()
    expect(page.locator("#heat-readout")).to_contain_text(": 100")


def test_stretch_drawn_over_the_chart_becomes_the_range(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=7d")
    box = page.locator("#course-chart .u-over").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, height, steps=5)
    page.mouse.up()
    expect(page.locator(".range-custom > summary")).to_have_attribute("aria-current", "true")
    assert f"bot={bot.name}" in page.url and "range=custom" in page.url and "tz=" in page.url


def test_top_users_go_on_for_pages(page: Page, server: Server) -> None:
    bot = new_bot(server)
    hello = {"direction": "in", "text": "hi"}
    bot.post(*(event("message", user_id=f"user-{number:02}", **hello) for number in range(25)))
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=24h")
    rows = page.locator("#top-users tbody tr")
    expect(rows).to_have_count(20)
    page.get_by_role("link", name="The next ones").click()
    expect(rows).to_have_count(5)
    page.get_by_role("link", name="The first ones").click()
    expect(rows).to_have_count(20)


def test_too_little_history_is_said(page: Page, server: Server) -> None:
    bot = new_bot(server)
    bot.hear("hello")
    page.goto(f"{bot.url}/analytics?bot={bot.name}")
    expect(page.get_by_text("Not enough history yet")).to_be_visible()


def test_range_without_messages_says_so(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}&range=custom&from=2001-01-01&to=2001-02-03")
    expect(page.get_by_text("No messages in this time")).to_be_visible()


def test_chart_follows_the_theme(page: Page, bot: Bot) -> None:
    page.goto(f"{bot.url}/analytics?bot={bot.name}")
    canvas = page.locator("#course-chart canvas")
    expect(canvas).to_be_visible()
    light = canvas.evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="dark")
    until(page, "light => document.querySelector('#course-chart canvas').toDataURL() !== light", light)
