"""The stream through nginx: as people set it up who have read nothing, and as the docs tell them."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import urllib3
from werkzeug.serving import WSGIRequestHandler, make_server

from botwatch_collector import clock, db
from botwatch_collector.access import tokens
from botwatch_collector.app import create_app
from botwatch_collector.config import Config
from botwatch_collector.stream import subscription

from .nginx import documented, nginx, plain
from .posting import post
from .server import Server
from .streams import Stream, let_streams_end

PATH = "/debug/message-stream"
LOCATIONS = pytest.mark.parametrize("location", [plain(), documented()], ids=["defaults", "documented"])
# nginx' own, and a fraction of it for a test that waits for it to pass.
READ_TIMEOUT_S, SHORT_TIMEOUT_S = 60, 6


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """nginx doesn't mind which database it is."""
    shutil.copy(sqlite_template, tmp_path / "botwatch.db")
    return f"sqlite:///{tmp_path}/botwatch.db"


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    with Server(database_url, {"BOTWATCH_MAX_STREAMS": "1"}, workers=1) as running:
        yield running


@contextmanager
def opened(url: str, token: str, cursor: int) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(cursor)}
    with requests.get(url + PATH, headers=headers, stream=True, timeout=60) as reply:
        reply.raise_for_status()
        yield Stream(reply.raw.stream(65_536))


@LOCATIONS
def test_each_message_comes_through_at_once(server: Server, location: str, tmp_path: Path) -> None:
    bot, token = server.add_bot("shop"), server.add_read_token()
    with nginx(location, server.url, tmp_path) as url, opened(url, token, 0) as read:
        for number in range(1, 6):
            post(server.url, bot, number, 1)
            # Had anybody kept it in a buffer, it would stay there: nothing follows it.
            assert read.texts(1) == [str(number)]


@LOCATIONS
def test_nothing_is_lost_or_doubled_while_the_collector_starts_again(
    server: Server, location: str, tmp_path: Path
) -> None:
    bot, token = server.add_bot("shop"), server.add_read_token()
    seen: list[str] = []
    cursor, restarted = 0, False
    with nginx(location, server.url, tmp_path) as url:
        post(server.url, bot, 1, 50)
        deadline = time.monotonic() + 60
        while len(seen) < 100:
            assert time.monotonic() < deadline, f"only these came: {seen}"
            try:
                with opened(url, token, cursor) as read:
                    for data in read.next(min(20, 100 - len(seen))):
                        seen.append(data["message_text"])
                        cursor = data["id"]
                    if len(seen) >= 40 and not restarted:
                        server.kill9()
                        server.restart()
                        post(server.url, bot, 51, 50)
                        restarted = True
            except (requests.RequestException, urllib3.exceptions.HTTPError):
                continue

    assert seen == [str(number) for number in range(1, 101)]


@LOCATIONS
def test_reader_that_leaves_gives_its_place_back(server: Server, location: str, tmp_path: Path) -> None:
    token = server.add_read_token()
    with nginx(location, server.url, tmp_path) as url:
        with opened(url, token, 0) as read:
            read.take()
        deadline = time.monotonic() + 30
        while True:
            try:
                with opened(url, token, 0) as read:
                    read.take()
                break
            except requests.HTTPError as error:
                assert error.response.status_code == 503
                assert time.monotonic() < deadline, "nobody noticed that the reader had left"


def test_pings_keep_a_quiet_stream_open(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert subscription.PING_S * 3 <= READ_TIMEOUT_S
    monkeypatch.setattr(subscription, "PING_S", subscription.PING_S * SHORT_TIMEOUT_S / READ_TIMEOUT_S)
    location = plain(f"proxy_read_timeout {SHORT_TIMEOUT_S}s")
    with (
        _in_this_process(database_url) as (collector, token),
        nginx(location, collector, tmp_path) as url,
        opened(url, token, 0) as read,
    ):
        until = time.monotonic() + 1.5 * SHORT_TIMEOUT_S
        while time.monotonic() < until:
            assert read.take() == []
    assert read.raw.count(b": ping") >= 2


@contextmanager
def _in_this_process(database_url: str) -> Iterator[tuple[str, str]]:
    """A collector whose intervals a test can change; its address and a token."""
    app = create_app(Config(database=database_url), cookie_key="key")
    opened_database = db.database.obj
    with db.connected():
        token = tokens.add("read", clock.now())[1]
    served = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=served.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}", token
    finally:
        served.shutdown()
        thread.join()
        let_streams_end()
        served.server_close()
        opened_database.close_all()


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass
