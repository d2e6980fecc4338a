"""The Alerts page: what is wrong, how it comes and goes, and who resolves it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from botwatch_collector import clock, db
from botwatch_collector.alerts import incidents
from botwatch_collector.alerts.rules import BY_NAME, Reading
from botwatch_collector.models import Bot as BotRow
from botwatch_collector.models import EventSequence

from ..collector.server import Server
from .talk import Bot


@pytest.fixture
def database(server: Server) -> Iterator[None]:
    """The server's own, to open an alert without waiting for its rule."""
    opened = db.connect(server.environment["BOTWATCH_DATABASE"])
    with db.connected():
        yield
    opened.close_all()


def open_alert(bot: Bot, subject: str, message: str = "refused") -> None:
    with db.writing():
        row = BotRow.get(BotRow.name == bot.name)
        reading = Reading(1, message, subject)
        incidents.begin(row.id, BY_NAME["check_failing"], reading, EventSequence.reserve(1), clock.now())


def test_alert_comes_by_itself_and_leaves_when_it_is_resolved(page: Page, bot: Bot, database: None) -> None:
    # Nothing but the stream makes the page ask again.
    page.add_init_script("window.setInterval = () => 0")
    page.goto(f"{bot.url}/alerts?bot={bot.name}")
    expect(page.locator("#active-alerts")).to_contain_text("Nothing is wrong")
    expect(page.locator("#live-state")).to_have_text("Live")

    open_alert(bot, "<b>db</b>", "refused <script>alert(1)</script>")
    row = page.locator("#active-alerts tbody tr")
    expect(row).to_contain_text("Dependency fails: <b>db</b>")
    expect(row).to_contain_text("refused <script>alert(1)</script>")

    row.get_by_role("button", name="Resolve").click()
    expect(page.locator("#active-alerts")).to_contain_text("Nothing is wrong")
    expect(page.locator("#past-alerts tbody tr")).to_contain_text("alice")


def test_page_of_one_bot_has_that_bots_alerts_alone(page: Page, bot: Bot, database: None) -> None:
    open_alert(bot, "db")
    page.goto(f"{bot.url}/alerts")
    expect(page.locator("#active-alerts")).to_contain_text(bot.name)
    page.goto(f"{bot.url}/alerts?bot={bot.name}")
    expect(page.locator("#active-alerts tbody tr")).to_have_count(1)
