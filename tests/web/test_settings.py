"""The settings pages: one's own account, tokens, and for admins the accounts."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ..collector.server import Server
from .browsers import Watched, watched
from .conftest import new_bot

PASSWORD = "a rather long password"


def log_in_as(watch: Watched, server: Server, name: str, password: str) -> Page:
    page = watch.page()
    page.goto(f"{server.url}/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    return page


@pytest.fixture
def bob(server: Server) -> str:
    """The name of a viewer of the test's own."""
    name = f"bob-{uuid.uuid4().hex[:8]}"
    server.add_account(name, PASSWORD)
    return name


def add_token(page: Page, url: str, scope: str, bot: str, name: str) -> str:
    page.goto(f"{url}/settings/tokens")
    page.get_by_label("For").select_option(scope)
    page.get_by_role("combobox", name="Bot", exact=True).select_option(bot)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Make it").click()
    return page.locator("#made").inner_text()


def whoami(page: Page, url: str, token: str) -> Any:
    return page.request.get(f"{url}/api/whoami", headers={"Authorization": f"Bearer {token}"})


def confirm(place: Locator, word: str, button: str) -> None:
    """What can't be undone takes two steps."""
    expect(place.get_by_role("button", name=button)).to_be_hidden()
    place.locator("summary", has_text=word).click()
    place.get_by_role("button", name=button).click()


def test_token_is_made_rotated_and_revoked(page: Page, server: Server) -> None:
    bot = new_bot(server).name
    secret = add_token(page, server.url, "read", bot, "for <b>Grafana</b>")
    told = whoami(page, server.url, secret).json()
    assert (told["scope"], told["bot"]) == ("read", bot)
    page.goto(f"{server.url}/settings/tokens")
    assert secret not in page.content(), "shown once"
    row = page.get_by_role("row", name=f"…{secret[-4:]}")
    expect(row).to_contain_text("for <b>Grafana</b>")

    confirm(row, "Rotate", "Replace it")
    other = page.locator("#made").inner_text()
    assert other != secret
    assert whoami(page, server.url, secret).status == 401
    assert whoami(page, server.url, other).status == 200

    confirm(page.get_by_role("row", name=f"…{other[-4:]}"), "Revoke", "Revoke it for good")
    expect(page.get_by_role("row", name=f"…{other[-4:]}")).to_contain_text("revoked")
    assert whoami(page, server.url, other).status == 401


def test_ingest_token_without_a_bot_is_refused_with_words(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 400")
    page = visitor.page()
    page.goto(f"{server.url}/settings/tokens")
    page.get_by_label("For").select_option("ingest")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("belongs to a bot")


def test_account_changes_its_password_and_other_browsers_are_out(
    chromium: Browser, server: Server, bob: str
) -> None:
    with watched(chromium) as here, watched(chromium) as there:
        for one in (here, there):
            one.expect("status of 401", "status of 400")
        page, other = (log_in_as(one, server, bob, PASSWORD) for one in (here, there))
        page.goto(f"{server.url}/settings")
        fill_passwords(page, "not the password", "another long password")
        expect(page.get_by_role("alert")).to_contain_text("present password is not right")
        fill_passwords(page, PASSWORD, "another long password", again="something else entirely")
        expect(page.get_by_role("alert")).to_contain_text("differently the second time")
        fill_passwords(page, PASSWORD, "another long password")
        expect(page.get_by_role("status")).to_contain_text("password is changed")
        page.goto(f"{server.url}/settings")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        other.goto(f"{server.url}/settings")
        expect(other.get_by_role("button", name="Log in")).to_be_visible()


def fill_passwords(page: Page, current: str, new: str, again: str | None = None) -> None:
    page.get_by_label("Present password").fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password once more").fill(again or new)
    page.get_by_role("button", name="Change the password").click()


def test_chosen_zone_is_that_of_all_pages(chromium: Browser, server: Server, bob: str) -> None:
    with watched(chromium, timezone_id="Europe/Rome") as watch:
        page = log_in_as(watch, server, bob, PASSWORD)
        page.goto(f"{server.url}/settings")
        page.get_by_label("Times and days of all pages").select_option("Asia/Kolkata")
        page.get_by_role("button", name="Save").click()
        page.goto(f"{server.url}/analytics")
        expect(page.locator("html")).to_have_attribute("data-zone", "Asia/Kolkata")
        page.goto(f"{server.url}/settings")
        page.get_by_label("Times and days of all pages").select_option("")
        page.get_by_role("button", name="Save").click()
        page.goto(f"{server.url}/analytics")
        expect(page.locator("html")).to_have_attribute("data-zone", "Europe/Rome")


def test_admin_adds_promotes_and_disables(page: Page, chromium: Browser, server: Server) -> None:
    name = f"carol-{uuid.uuid4().hex[:8]}"
    page.goto(f"{server.url}/settings/accounts")
    page.get_by_label("User name").fill(name)
    page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Add it").click()
    row = page.get_by_role("row", name=re.compile(name))
    with watched(chromium) as watch:
        watch.expect("status of 401", "status of 403")
        theirs = log_in_as(watch, server, name, PASSWORD)
        theirs.goto(f"{server.url}/settings/tokens")
        expect(theirs.get_by_text("this needs the role operator")).to_be_visible()
        row.get_by_label(f"Role of {name}").select_option("operator")
        row.get_by_role("button", name="Set").first.click()
        theirs.goto(f"{server.url}/settings/tokens")
        expect(theirs.get_by_role("heading", name="Tokens", exact=True)).to_be_visible()
        row.get_by_role("button", name="Disable").click()
        expect(row).to_contain_text("disabled")
        theirs.goto(f"{server.url}/settings/tokens")
        expect(theirs.get_by_role("button", name="Log in")).to_be_visible()


def test_last_admin_stays_one(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 409")
    page = visitor.page()
    page.goto(f"{server.url}/settings/accounts")
    page.get_by_role("button", name="Disable alice").click()
    expect(page.get_by_role("alert")).to_contain_text("last admin")


def test_unknown_change_of_an_account_is_refused(visitor: Watched, server: Server) -> None:
    visitor.expect("status of 400")
    page = visitor.page()
    page.goto(f"{server.url}/settings/accounts")
    page.locator("button[value=disable]").first.evaluate("button => { button.value = 'promote'; }")
    page.locator("button[value=promote]").click()
    expect(page.get_by_role("alert")).to_contain_text("change: expected one of role, password")


def test_menu_offers_what_the_role_allows(chromium: Browser, server: Server, bob: str, page: Page) -> None:
    with watched(chromium) as watch:
        theirs = log_in_as(watch, server, bob, PASSWORD)
        for who, offered in (
            (theirs, ["Your account"]),
            (page, ["Your account", "Bots", "Tokens", "Accounts"]),
        ):
            who.goto(f"{server.url}/settings")
            links = who.get_by_role("navigation", name="Settings").get_by_role("link")
            assert links.all_inner_texts() == offered


@pytest.mark.parametrize(
    "path",
    [
        "/settings/zone",
        "/settings/password",
        "/settings/tokens",
        "/settings/accounts",
        "/settings/bots/nobody/retire",
    ],
)
def test_forged_form_changes_nothing(page: Page, server: Server, path: str) -> None:
    assert page.request.post(server.url + path, form={"scope": "read", "zone": "UTC"}).status == 400
