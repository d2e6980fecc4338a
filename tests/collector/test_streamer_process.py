"""The streamer as a process of a real collector: it is looked after, outlives workers, and loses nothing."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import psutil
import pytest
import requests
import urllib3

from botwatch_collector import clock, db, models
from botwatch_collector.access import Credential, accounts, logins, still_good, tokens
from botwatch_collector.access.credentials import hashed
from botwatch_collector.config import Limits
from botwatch_collector.streamer.notices import listen

from ..postgres import PostgresServer
from ..waiting import until
from .posting import post, post_until_answered
from .server import Server
from .streams import InBackground, Stream, add_bots, say

PATH = "/debug/message-stream"
DEADLINE_S = 30
THE_END = 10**9


@pytest.fixture
def one_server(tmp_path: Path) -> Iterator[Server]:
    """For what is the same on both databases."""
    with Server(f"sqlite:///{tmp_path}/botwatch.db") as running:
        yield running


class Address(Protocol):
    """A server, or what stands before some."""

    @property
    def url(self) -> str: ...


@contextmanager
def opened(server: Address, token: str, cursor: int | None = None) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"}
    headers |= {} if cursor is None else {"Last-Event-ID": str(cursor)}
    with requests.get(server.url + PATH, headers=headers, stream=True, timeout=DEADLINE_S) as reply:
        reply.raise_for_status()
        yield Stream(reply.raw.stream(65_536))


# Killed at random


class Follower:
    """Reads the stream to its end, whoever dies meanwhile; comes back with the last id it has seen."""

    def __init__(self, servers: Sequence[Address], token: str, seed: int) -> None:
        self.ids: list[int] = []
        self.texts: list[str] = []
        self.connections = 0
        self._servers, self._token, self._random = servers, token, random.Random(seed)

    def run(self) -> None:
        while self.texts[-1:] != [str(THE_END)]:
            try:
                self._read()
            except (requests.RequestException, urllib3.exceptions.HTTPError):
                continue

    def _read(self) -> None:
        server = self._random.choice(self._servers)
        with opened(server, self._token, self.ids[-1] if self.ids else 0) as stream:
            self.connections += 1
            for data in iter(lambda: stream.next(1), []):
                self.ids.append(data[0]["id"])
                self.texts.append(data[0]["message_text"])
                if self.texts[-1] == str(THE_END):
                    return


@pytest.mark.parametrize("collectors", [1, 3])
def test_nothing_is_lost_or_doubled_while_processes_are_killed_at_random(
    database_url: str, collectors: int, pytestconfig: pytest.Config
) -> None:
    kills: int = pytestconfig.getoption("kills")
    done, chance = threading.Event(), random.Random(kills)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(database_url)) for _ in range(collectors)]
        bot, reader = servers[0].add_bot("shop"), servers[0].add_read_token()

        def write(number: int) -> int:
            written = 0
            while not done.is_set():
                server = servers[(number + written) % collectors]
                post_until_answered(server.url, bot, written + 1, 10, instance=f"writer-{number}")
                written += 10
            return written

        followers = [Follower(servers, reader, seed) for seed in range(4)]
        following = [InBackground(follower.run) for follower in followers]
        writing = [InBackground(write, number) for number in range(2)]
        for number in range(kills):
            time.sleep(chance.uniform(1, 2))
            kill_one(chance.choice(servers), streamer=number % 2 == 0, chance=chance)
        done.set()
        written = sum(writer.result() for writer in writing)
        post_until_answered(servers[0].url, bot, THE_END, 1, instance="last")
        for one in following:
            one.result(60)

    stored = stored_ids(database_url)
    assert len(stored) == written + 1
    assert written > 100
    for follower in followers:
        assert follower.ids == stored
    assert sum(follower.connections for follower in followers) > len(followers)


def kill_one(server: Server, *, streamer: bool, chance: random.Random) -> None:
    until(lambda: server.streamer_pid)
    os.kill(server.streamer_pid if streamer else chance.choice(server.worker_pids), signal.SIGKILL)


def stored_ids(url: str) -> list[int]:
    opened = db.connect(url)
    with db.connected():
        found = [
            row[0] for row in models.Message.select(models.Message.id).order_by(models.Message.id).tuples()
        ]
    opened.close_all()
    return found


# Looked after


def test_streams_go_on_while_workers_are_replaced(one_server: Server) -> None:
    bot, reader = one_server.add_bot("shop"), one_server.add_read_token()
    streamer, workers = one_server.streamer_pid, set(one_server.worker_pids)
    with opened(one_server, reader) as stream:
        stream.take()
        os.kill(one_server.pid, signal.SIGHUP)
        until(lambda: len(one_server.worker_pids) == 2 and not workers & set(one_server.worker_pids))
        post(one_server.url, bot, 1, 1)
        assert stream.texts(1) == ["1"]

        for pid in one_server.worker_pids:
            os.kill(pid, signal.SIGKILL)
        post_until_answered(one_server.url, bot, 2, 1)
        assert stream.texts(1) == ["2"]
    assert one_server.streamer_pid == streamer


def test_killed_streamer_is_replaced_and_its_readers_come_back(one_server: Server) -> None:
    bot, reader = one_server.add_bot("shop"), one_server.add_read_token()
    killed = one_server.streamer_pid
    with opened(one_server, reader) as stream:
        stream.take()
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(urllib3.exceptions.HTTPError):
            stream.next(1)
    post(one_server.url, bot, 1, 3)

    # It waits at the door until there is a streamer again.
    with opened(one_server, reader, stream.last_id) as stream:
        assert stream.texts(3) == ["1", "2", "3"]
    assert one_server.streamer_pid not in (0, killed)


def test_streamer_dies_with_its_master(one_server: Server) -> None:
    streamer = one_server.streamer_pid
    os.kill(one_server.pid, signal.SIGKILL)

    until(lambda: not psutil.pid_exists(streamer))


def test_end_of_the_collector_ends_its_streams_in_good_order(one_server: Server) -> None:
    bot, reader = one_server.add_bot("shop"), one_server.add_read_token()
    streamer = one_server.streamer_pid
    with opened(one_server, reader) as stream:
        post(one_server.url, bot, 1, 1)
        reading = InBackground(stream.texts, 100)
        until(lambda: stream.raw.count(b"data: "))
        assert one_server.terminate() == 0
        # No error: the last chunk was sent.
        assert reading.result() == ["1"]
    assert not psutil.pid_exists(streamer)
    assert "Traceback" not in one_server.log


def test_revoked_token_ends_its_streams(one_server: Server) -> None:
    reader, other = one_server.add_read_token(), one_server.add_read_token()
    bot = one_server.add_bot("shop")
    with opened(one_server, reader) as stream, opened(one_server, other) as others:
        stream.take()
        one_server.command("token", "revoke", reader[-4:])
        assert stream.next(1) == []
        post(one_server.url, bot, 1, 1)
        assert others.texts(1) == ["1"]


def test_client_of_http_1_0_is_served_without_chunks(one_server: Server) -> None:
    bot, reader = one_server.add_bot("shop"), one_server.add_read_token()
    host, port = one_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as connection:
        request = f"GET {PATH} HTTP/1.0\r\nAuthorization: Bearer {reader}\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.recv(65_536)
        post(one_server.url, bot, 1, 1)
        while b'"message_text":"1"' not in answer:
            answer += connection.recv(65_536)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert body.startswith(b"retry: ")


def test_caps_count_over_all_workers(tmp_path: Path) -> None:
    with (
        Server(f"sqlite:///{tmp_path}/botwatch.db", {"BOTWATCH_MAX_STREAMS": "3"}) as server,
        ExitStack() as stack,
    ):
        reader = server.add_read_token()
        streams = [stack.enter_context(opened(server, reader)) for _ in range(3)]
        assert [stream.take() for stream in streams] == [[], [], []]
        with pytest.raises(requests.HTTPError, match="503") as refused, opened(server, reader):
            pass

    assert refused.value.response.headers["Retry-After"] == "5"


# Heard and checked


def test_postgresql_announces_commits_to_all_hosts(postgres: PostgresServer) -> None:
    url, heard = postgres.create("announcements", template="template"), threading.Event()
    opened = db.connect(url)
    with db.connected():
        (shop,) = add_bots("shop")
        listen(url, heard.set)
        until(lambda: say(shop, "hello") or heard.wait(0.1))
    opened.close_all()


def test_good_credentials_are_told_from_lost_ones(database: None) -> None:
    now, limits = clock.now(), Limits()
    account = accounts.add("alice", "correct horse battery", "viewer", now)
    bob = accounts.add("bob", "correct horse battery", "viewer", now)
    token, secret = tokens.add("read", now)
    revoked, revoked_secret = tokens.add("read", now)
    tokens.revoke(revoked, now)
    login, ended, disabled = (logins.start(whose, limits, now) for whose in (account, account, bob))
    logins.end(ended)
    models.Account.update(disabled_at=now).where(models.Account.id == bob.id).execute()
    good = {Credential("token", hashed(secret)), Credential("login", hashed(login))}
    lost = {
        Credential("token", hashed(revoked_secret)),
        Credential("login", hashed(ended)),
        Credential("login", hashed(disabled)),
        Credential("login", hashed(secret)),
    }

    assert still_good(good | lost, limits, now) == good
    assert models.Token.get_by_id(token.id).last_used_at == now


def test_login_with_an_open_stream_does_not_run_out(database: None) -> None:
    now, limits = clock.now(), Limits()
    account = accounts.add("alice", "correct horse battery", "viewer", now)
    open_one, forgotten = logins.start(account, limits, now), logins.start(account, limits, now)
    later = now + limits.login_lifetime_ms - 1
    kept = {Credential("login", hashed(open_one))}

    assert still_good(kept, limits, later) == kept
    assert still_good(kept, limits, later + limits.login_lifetime_ms - 1) == kept
    assert still_good([Credential("login", hashed(forgotten))], limits, later + 2) == set()
