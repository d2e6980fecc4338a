"""A real server, a real browser, and somebody who is logged in."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from ..collector.server import Server
from .browsers import Watched, browser, watched
from .talk import Bot

USERNAME, PASSWORD = "alice", "correct horse battery staple"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an account; its tests keep apart by bots of their own."""
    with started(tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Server]:
    """A server that nothing has ever come to."""
    with started(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def cookies(server: Server, chromium: Browser) -> Any:
    """What the browser keeps of a login, so that each test needn't log in again."""
    with watched(chromium) as watch:
        log_in(watch.page(), server.url)
        return watch.context.storage_state()


@pytest.fixture
def visitor(chromium: Browser, cookies: Any) -> Iterator[Watched]:
    """A browser context that is logged in; the test fails when one of its pages complains."""
    with watched(chromium, storage_state=cookies) as watch:
        yield watch


@pytest.fixture
def page(visitor: Watched) -> Page:
    return visitor.page()


@pytest.fixture
def bot(server: Server) -> Bot:
    """A bot of the test's own, that has reported already."""
    added = new_bot(server)
    added.beat()
    return added


def started(folder: Path) -> Server:
    """A server on a database of its own; enter it to start it."""
    server = Server(f"sqlite:///{folder}/botwatch.db", workers=1)
    server.environment |= {"BOTWATCH_ADMIN_USER": USERNAME, "BOTWATCH_ADMIN_PASSWORD": PASSWORD}
    server.environment |= {"BOTWATCH_DEBUG": "1"}
    return server


def new_bot(server: Server) -> Bot:
    name = f"bot-{uuid.uuid4().hex[:8]}"
    return Bot(server.url, name, server.add_bot(name))


def log_in(page: Page, url: str) -> None:
    """Through the form, as a person does; leads to the start page."""
    page.goto(f"{url}/login")
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", level=1).wait_for()
    # Its scripts have run only then.
    page.wait_for_load_state()
