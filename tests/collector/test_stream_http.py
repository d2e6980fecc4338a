"""The stream over HTTP: who gets it, what it answers, and how it ends with its server."""

import dataclasses
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests
import urllib3
from flask import Flask
from flask.testing import FlaskClient

from botwatch_collector import clock, db, models, serving, stream
from botwatch_collector.access import accounts, logins, tokens
from botwatch_collector.app import create_app
from botwatch_collector.config import Config
from botwatch_collector.stream import subscription

from .posting import post
from .server import Server
from .streams import InBackground, Stream, act, add_bots, be, let_streams_end, say

PATH, CHANNELS = "/debug/message-stream", "/api/monitoring/stream"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = create_app(Config(database=database_url, max_streams=2), cookie_key="key")
    opened = db.database.obj
    yield made
    let_streams_end()
    opened.close_all()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def read_token(bot: str | None = None) -> dict[str, str]:
    owner = models.Bot.get(models.Bot.name == bot) if bot else None
    return {"Authorization": f"Bearer {tokens.add('read', clock.now(), bot=owner)[1]}"}


@contextmanager
def reading(
    client: FlaskClient, headers: dict[str, str], query: str = "", path: str = PATH
) -> Iterator[Stream]:
    reply = client.get(path + query, headers=headers)
    assert reply.status_code == 200, reply.json
    read = Stream(reply.iter_encoded())
    assert read.take() == []
    yield read
    reply.close()


def test_stream_says_how_it_wants_to_be_passed_on(client: FlaskClient) -> None:
    reply = client.get(PATH, headers=read_token())

    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-cache, no-transform"
    assert reply.headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in reply.headers
    assert next(reply.iter_encoded()).startswith(b"retry: ")
    reply.close()


def test_head_answers_without_a_stream(client: FlaskClient) -> None:
    headers = read_token()
    for _ in range(5):
        reply = client.head(PATH, headers=headers)
        assert (reply.status_code, reply.mimetype, reply.data) == (200, "text/event-stream", b"")


def test_stream_is_not_for_strangers(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    ingest = tokens.add("ingest", clock.now(), bot=models.Bot.get_by_id(shop))[1]

    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert client.get(PATH, headers={"Authorization": f"Bearer {ingest}"}).status_code == 403


def test_mallory_sees_her_own_bot_alone(client: FlaskClient) -> None:
    shop, news = add_bots("shop", "news")
    say(shop, "secret")
    say(news, "public")
    mallory = read_token("news")

    assert client.get(f"{PATH}?bot=shop", headers=mallory).status_code == 404
    with reading(client, mallory, "?last_event_id=0") as read:
        say(shop, "another secret")
        say(news, "the end")
        assert read.texts(2) == ["public", "the end"]
    assert b"secret" not in read.raw


def test_reader_resumes_by_header_or_parameter(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    say(shop, "1", "2", "3")
    headers = read_token()
    with reading(client, headers, "?last_event_id=0") as read:
        assert read.texts(1) == ["1"]

    with reading(client, headers, f"?last_event_id={read.last_id}") as again:
        assert again.texts(1) == ["2"]
    # A browser keeps its address when it comes back; the header is what it saw last.
    with reading(client, headers | {"Last-Event-ID": str(again.last_id)}, "?last_event_id=0") as third:
        assert third.texts(1) == ["3"]


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("?direction=both", "direction"),
        ("?last_event_id=abc", "last_event_id"),
        ("?last_event_id=-1", "last_event_id"),
    ],
)
def test_bad_parameter_is_named(client: FlaskClient, query: str, at: str) -> None:
    reply = client.get(PATH + query, headers=read_token())

    assert reply.status_code == 400
    assert reply.json is not None
    assert reply.json["error"]["at"] == at


def test_filters_stand_in_the_address(client: FlaskClient) -> None:
    shop, news = add_bots("shop", "news")
    say(shop, "a", user_id="alice")
    say(news, "b", user_id="alice", channel="web")
    say(shop, "c", user_id="bob", direction="out", channel="web")
    headers = read_token()

    for query, expected in (
        ("bot=shop", ["a", "c"]),
        ("bot=shop&bot=news", ["a", "b", "c"]),
        ("user=alice", ["a", "b"]),
        ("direction=out", ["c"]),
        ("channel=web&user=alice", ["b"]),
    ):
        with reading(client, headers, f"?last_event_id=0&{query}") as read:
            assert read.texts(len(expected)) == expected


def test_channels_are_chosen_in_the_address(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    headers = read_token()
    say(shop, "hello")
    act(shop, "deployed")
    be(shop, status="online")

    for query, expected in (
        ("channels=messages", {"message:new"}),
        ("channels=activity", {"activity:new"}),
        ("channels=metrics,health", {"metrics:update", "health:changed"}),
        ("channels=messages&channels=activity", {"message:new", "activity:new"}),
        ("channels=presence", {"presenceUpdate"}),
        ("", {"message:new", "activity:new", "presenceUpdate", "metrics:update", "health:changed"}),
    ):
        path = f"{CHANNELS}?last_event_id=0&{query}"
        with reading(client, headers, path=path) as read:
            while set(read.events) != expected:
                read.next(1)


def test_reader_resumes_in_all_channels_by_one_id(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    headers = read_token()
    path = f"{CHANNELS}?channels=messages,activity,health"
    say(shop, "1")
    with reading(client, headers, path=f"{path}&last_event_id=0") as read:
        assert events_of(read, 1) == [1]
    act(shop, "2")
    say(shop, "3")

    with reading(client, headers | {"Last-Event-ID": str(read.last_id)}, path=path) as again:
        assert events_of(again, 1) == [2]
    with reading(client, headers | {"Last-Event-ID": str(again.last_id)}, path=path) as third:
        assert events_of(third, 1) == [3]


def events_of(read: Stream, count: int) -> list[int]:
    """The ids of the next events; states come when they like."""
    told = (data for _ in itertools.count() for data in read.next(1))
    return list(itertools.islice((data["id"] for data in told if "id" in data), count))


def test_token_of_one_bot_is_told_of_that_bot_alone(client: FlaskClient) -> None:
    shop, news = add_bots("shop", "news")
    mallory, path = read_token("news"), f"{CHANNELS}?last_event_id=0"
    act(shop, "secret")
    act(news, "public")

    with reading(client, mallory, path=path) as read:
        while set(read.events) != {"activity:new", "metrics:update", "health:changed"}:
            assert read.next(1)[0]["bot"] == "news"
    with reading(client, read_token(), path=f"{path}&bot=news") as read:
        while set(read.events) != {"activity:new", "metrics:update", "health:changed"}:
            assert read.next(1)[0]["bot"] == "news"


@pytest.mark.parametrize("name", ["alert", "Messages", "messages;"])
def test_channel_that_does_not_exist_is_refused_by_name(client: FlaskClient, name: str) -> None:
    reply = client.get(f"{CHANNELS}?channels=messages,{name}", headers=read_token())

    assert reply.status_code == 400
    assert reply.json is not None
    assert reply.json["error"] == {
        "code": "invalid_parameter",
        "at": "channels",
        "message": f"channels: expected any of {', '.join(stream.NAMES)}, got {name!r}",
    }


def test_one_token_can_not_take_all_streams(app: Flask, client: FlaskClient) -> None:
    app.config["BOTWATCH"] = dataclasses.replace(app.config["BOTWATCH"], max_streams_per_reader=1)
    headers = read_token()
    with reading(client, headers):
        reply = client.get(PATH, headers=headers)
        with reading(client, read_token()):
            pass

    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0


def test_one_stream_more_than_the_limit_is_refused(client: FlaskClient) -> None:
    headers = read_token()
    with reading(client, headers), reading(client, headers):
        reply = client.get(PATH, headers=headers)

    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) > 0
    with reading(client, headers):
        pass


def test_revoked_token_ends_its_stream(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "_CHECK_S", 0)
    token, secret = tokens.add("read", clock.now())
    with reading(client, {"Authorization": f"Bearer {secret}"}) as read:
        waiting = InBackground(read.next, 1)
        tokens.revoke(token, clock.now())

        assert waiting.result(10) == []


def test_stream_ends_with_the_login(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "_CHECK_S", 0)
    config: Config = client.application.config["BOTWATCH"]
    account = accounts.add("alice", "correct horse battery", "viewer", clock.now())
    secret = logins.start(account, config.limits, clock.now())
    with client.session_transaction() as session:
        session["login"] = secret
    with reading(client, {}) as read:
        waiting = InBackground(read.next, 1)
        logins.end(secret)

        assert waiting.result(10) == []


# With a real server


@contextmanager
def opened(server: Server, token: str, cursor: int | None = None) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"} | (
        {} if cursor is None else {"Last-Event-ID": str(cursor)}
    )
    with requests.get(server.url + PATH, headers=headers, stream=True, timeout=30) as reply:
        assert reply.status_code == 200, reply.text
        yield Stream(reply.raw.stream(65_536))


def test_server_stops_at_once_with_streams_open_and_readers_asleep(server: Server) -> None:
    bot, reader = server.add_bot("shop"), server.add_read_token()
    with opened(server, reader) as quiet, opened(server, reader), opened(server, reader, 0):
        # This last one takes nothing, however much there is.
        post(server.url, bot, 1, 2_000)
        assert quiet.next(1)
        started = time.monotonic()
        stopping = threading.Thread(target=server.terminate)
        stopping.start()
        # It may end in the middle of a frame.
        with suppress(urllib3.exceptions.HTTPError):
            while len(quiet.next(500)) == 500:
                pass
        stopping.join()

    # Waiting for streams to end by themselves would take all of that time.
    assert time.monotonic() - started < serving._GRACE_S / 2
    assert "Traceback" not in server.log


def test_reader_that_leaves_gives_its_place_back(database_url: str) -> None:
    with Server(database_url, {"BOTWATCH_MAX_STREAMS": "1"}, workers=1) as server:
        reader = server.add_read_token()
        with opened(server, reader) as read:
            read.take()
            assert status(server, reader) == 503

        deadline = time.monotonic() + subscription.PING_S
        while status(server, reader) == 503:
            assert time.monotonic() < deadline, "nobody noticed that the reader had left"


def status(server: Server, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    with requests.get(server.url + PATH, headers=headers, stream=True, timeout=30) as reply:
        return reply.status_code
