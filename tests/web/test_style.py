"""The style page: there in debug mode alone, with every component of the templates."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from botwatch_collector import db
from botwatch_collector.app import create_app
from botwatch_collector.config import Config

from ..collector.server import Server

TEMPLATES = Path(str(files("botwatch_web"))) / "templates"


@pytest.mark.parametrize("debug", [True, False])
def test_page_is_there_in_debug_mode_alone(database_url: str, debug: bool) -> None:
    app = create_app(Config(database=database_url, debug=debug))
    assert app.test_client().get("/ui").status_code == (302 if debug else 404)
    db.database.close_all()


def test_page_shows_every_component() -> None:
    """A macro that is missing there is one that nobody sees in all of its states."""
    page = (TEMPLATES / "style.html").read_text(encoding="utf-8")
    components = (TEMPLATES / "components").glob("*.html")
    macros = {
        name
        for path in components
        for name in re.findall(r"{% macro (\w+)", path.read_text(encoding="utf-8"))
    }
    assert macros - {"form_token"} - set(re.findall(r"\w+", page)) == set()


def test_dialog_and_toast_come_and_go(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/ui")
    expect(page.get_by_text("A toast that was here from the start.")).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Show a toast: fail").click()
    expect(page.locator(".toast-fail")).to_contain_text("Something was done.")
    opener = page.get_by_role("button", name="Open a dialog")
    opener.press("Enter")
    expect(page.get_by_role("dialog", name="A dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="A dialog")).to_be_hidden()
    expect(opener).to_be_focused()
