"""One bot that floods the collector is slowed down; the others don't notice it."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from ..collector.server import Server
from ..waiting import until

FLOODERS = 16


@pytest.fixture
def one_server(tmp_path: Path) -> Iterator[Server]:
    """For what is the same on both databases."""
    with Server(f"sqlite:///{tmp_path}/botwatch.db", {"BOTWATCH_THREADS": "8"}, workers=1) as running:
        yield running


def batch(instance: str, first: int, count: int) -> bytes:
    lines: list[dict[str, object]] = [{"v": 1, "instance": instance}]
    lines += [
        {"kind": "message", "ts": seq, "seq": seq, "direction": "in", "user_id": "u", "text": "x"}
        for seq in range(first, first + count)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


def send(session: requests.Session, server: Server, token: str, body: bytes) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    return session.post(f"{server.url}/api/events", body, headers=headers, timeout=60)


class Flood:
    """Sends large batches over many connections, and heeds no answer."""

    def __init__(self, server: Server, token: str) -> None:
        self.answers: Counter[int] = Counter()
        self.retry_after: set[str | None] = set()
        self.ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(server, token, f"flood-{number}"))
            for number in range(FLOODERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, server: Server, token: str, instance: str) -> None:
        body = batch(instance, 1, 1_000)
        with requests.Session() as session:
            while not self.ended.is_set():
                reply = send(session, server, token, body)
                self.answers[reply.status_code] += 1
                if reply.status_code == 503:
                    self.retry_after.add(reply.headers.get("Retry-After"))


@contextmanager
def flooded(server: Server, token: str) -> Iterator[Flood]:
    flood = Flood(server, token)
    flood.start()
    try:
        yield flood
    finally:
        flood.end()


def test_flood_of_one_bot_costs_the_others_nothing(one_server: Server) -> None:
    alice, mallory = one_server.add_bot("alice"), one_server.add_bot("mallory")
    reader = one_server.add_read_token()
    with flooded(one_server, mallory) as flood, requests.Session() as session:
        until(lambda: flood.answers[503])
        answers = [
            send(session, one_server, alice, batch("alice", 1 + 10 * turn, 10)).status_code
            for turn in range(10)
        ]
        page = session.get(
            f"{one_server.url}/debug/metrics", headers={"Authorization": f"Bearer {reader}"}, timeout=60
        )

    assert answers == [200] * 10
    assert page.status_code == 200
    assert flood.answers[200]
    assert set(flood.answers) == {200, 503}
    assert flood.retry_after == {"1"}


def test_rate_of_a_token_is_limited(tmp_path: Path) -> None:
    environment = {"BOTWATCH_RATE_LIMIT": "100"}
    with (
        Server(f"sqlite:///{tmp_path}/botwatch.db", environment) as server,
        requests.Session() as session,
    ):
        alice, mallory = server.add_bot("alice"), server.add_bot("mallory")
        # A connection stays with its worker, and each worker counts for itself.
        taken = send(session, server, mallory, batch("m", 1, 1_000))
        refused = send(session, server, mallory, b"not even looked at")
        other = send(session, server, alice, batch("a", 1, 50))

    assert (taken.status_code, refused.status_code, other.status_code) == (200, 429, 200)
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 9
