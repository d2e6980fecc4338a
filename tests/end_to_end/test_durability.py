"""What the collector acknowledged survives a kill -9 of everything, and what is sent again is stored once."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from botwatch_collector import db, models

from ..collector.server import Server
from ..postgres import PostgresServer

BATCH = 50
ROUNDS = 4


class Sender(threading.Thread):
    """Sends numbered batches one after the other, each until it is acknowledged, as an agent does."""

    def __init__(self, server: Server, token: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._server, self._token = server, token
        self.acknowledged = 0
        self.stop = threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._token}"
            session.headers["Content-Type"] = "application/x-ndjson"
            while not self.stop.is_set():
                body = self._batch()
                while not self._is_taken(session, body):
                    if self.stop.wait(0.02):
                        return
                self.acknowledged += BATCH

    def _batch(self) -> bytes:
        rows = [json.dumps({"v": 1, "instance": self.name})]
        for seq in range(self.acknowledged + 1, self.acknowledged + BATCH + 1):
            event = {
                "kind": "message",
                "ts": seq,
                "seq": seq,
                "direction": "in",
                "text": f"{self.name} {seq}",
            }
            rows.append(json.dumps(event | {"user_id": self.name}))
        return "\n".join(rows).encode()

    def _is_taken(self, session: requests.Session, body: bytes) -> bool:
        try:
            return session.post(f"{self._server.url}/api/events", body, timeout=10).status_code == 200
        except requests.RequestException:
            return False


def wait_for_more(senders: list[Sender], events: int) -> None:
    wanted = sum(sender.acknowledged for sender in senders) + events
    deadline = time.monotonic() + 60
    while sum(sender.acknowledged for sender in senders) < wanted:
        assert time.monotonic() < deadline, "nothing is acknowledged any more"
        threading.Event().wait(0.01)


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer.start(durable=True)
    yield server
    server.stop()


def test_kill_9_loses_nothing_acknowledged_and_doubles_nothing(database_url: str) -> None:
    with Server(database_url) as server:
        token = server.add_bot("alice")
        senders = [Sender(server, token, f"sender-{number}") for number in range(4)]
        for sender in senders:
            sender.start()
        for _ in range(ROUNDS):
            wait_for_more(senders, 40 * BATCH)
            server.kill9()
            server.restart()
        wait_for_more(senders, 10 * BATCH)
        for sender in senders:
            sender.stop.set()
        for sender in senders:
            sender.join()

    opened = db.connect(database_url)
    with db.connected():
        stored = Counter(message.text for message in models.Message.select(models.Message.text))
        counted = models.MessageHour.select().first().messages_in
        ids = [row[0] for row in models.Message.select(models.Message.id).tuples()]
    opened.close_all()
    assert set(stored.values()) == {1}
    assert counted == len(ids) == len(set(ids))
    for sender in senders:
        # One batch more may be stored: its answer was lost.
        texts = sum(text.startswith(f"{sender.name} ") for text in stored)
        assert sender.acknowledged <= texts <= sender.acknowledged + BATCH


def test_killed_postgresql_costs_503s_and_nothing_acknowledged(durable_postgres: PostgresServer) -> None:
    with Server(durable_postgres.create("botwatch")) as server:
        sender = Sender(server, server.add_bot("alice"), "one")
        sender.start()
        wait_for_more([sender], 10 * BATCH)
        durable_postgres.kill()
        refused = requests.get(f"{server.url}/readyz", timeout=30)
        durable_postgres.restart()
        wait_for_more([sender], 10 * BATCH)
        sender.stop.set()
        sender.join()
        opened = db.connect(durable_postgres.url("botwatch"))
        with db.connected():
            stored = models.Message.select().count()
            distinct = models.Message.select(models.Message.text).distinct().count()
        opened.close_all()

    assert refused.status_code == 503
    assert stored == distinct
    assert sender.acknowledged <= stored <= sender.acknowledged + BATCH
