"""Programs that send batches as an agent does: each until it is acknowledged, whoever dies meanwhile."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests

from botwatch_collector import db, models, rollups

from ..waiting import until

BATCH = 50


class Sender(threading.Thread):
    """Sends numbered batches one after the other; `refusals` counts what it was answered instead of 200."""

    def __init__(self, url: str, token: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._url, self._token = url, token
        self.acknowledged = 0
        self.refusals: Counter[int | str] = Counter()
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
            status = session.post(f"{self._url}/api/events", body, timeout=30).status_code
        except requests.RequestException as error:
            self.refusals[type(error).__name__] += 1
            return False
        if status != 200:
            self.refusals[status] += 1
        return status == 200


@contextmanager
def sending(url: str, token: str, count: int) -> Iterator[Sequence[Sender]]:
    """That many, which have ended after the block."""
    senders = [Sender(url, token, f"sender-{number}") for number in range(count)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.stop.set()
        for sender in senders:
            sender.join()


def wait_for_more(senders: Sequence[Sender], events: int) -> None:
    wanted = sum(sender.acknowledged for sender in senders) + events
    until(lambda: sum(sender.acknowledged for sender in senders) >= wanted)


def check_stored(url: str, senders: Sequence[Sender]) -> list[str]:
    """All that was acknowledged is there, once, and counted so; what others than these have said."""
    opened = db.connect(url)
    with db.connected():
        rollups.catch_up()
        message, counted = models.Message, models.MessageDay
        rows = list(message.select(message.id, message.text).order_by(message.id).tuples())
        days = sum(row.messages_in for row in counted.select())
    opened.close_all()
    texts = Counter(text for _, text in rows)
    assert set(texts.values()) == {1}
    assert days == len(rows) == len({row_id for row_id, _ in rows})
    for sender in senders:
        # One batch more may be stored: its answer was lost.
        stored = sum(text.startswith(f"{sender.name} ") for text in texts)
        assert sender.acknowledged <= stored <= sender.acknowledged + BATCH
    return [text for text in texts if not text.startswith("sender-")]
