"""Stores messages and reads streams, for the tests of both."""

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from botwatch.cli.sse import FrameReader
from botwatch_collector import clock, db, models, stream
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

NOW = 1_790_000_000_000
PLENTY = stream.Seat("anybody", 100, 100)

_STATES = ("metrics:update", "health:changed")

_seq = itertools.count(1)


def add_bots(*names: str) -> list[int]:
    with db.writing():
        return [models.Bot.create(name=name, created_at=NOW).id for name in names]


def say(bot: int, *texts: str | None, instance: str = "one", **fields: Any) -> None:
    """Store a message for each text, in one transaction."""
    plain = {"kind": "message", "ts": NOW, "direction": "in", "user_id": "u1"} | fields
    events = msgspec.convert([plain | {"seq": next(_seq), "text": text} for text in texts], list[AnyEvent])
    store([Incoming(bot, Batch(Header(v=1, instance=instance), events), NOW)])


@contextmanager
def listening(
    shared: stream.Tailer | stream.Hub,
    bots: Sequence[int | None] | Callable[[], Sequence[int | None]],
    cursor: int | None = None,
    client: stream.Client | None = None,
    **filters: Any,
) -> Iterator["Stream"]:
    """A stream that is open and has begun."""
    ask = bots if callable(bots) else lambda: bots
    hub = shared if isinstance(shared, stream.Hub) else stream.Hub(shared)
    made = stream.subscribe(ask, stream.Filters(**filters), cursor, PLENTY, client=client, hub=hub)
    try:
        read = Stream(made)
        assert read.take() == []
        yield read
    finally:
        made.close()


def act(bot: int, *actions: str, instance: str = "one", **fields: Any) -> None:
    """Store an activity for each action, in one transaction."""
    plain = {"kind": "activity", "ts": NOW} | fields
    events = msgspec.convert([plain | {"seq": next(_seq), "action": one} for one in actions], list[AnyEvent])
    store([Incoming(bot, Batch(Header(v=1, instance=instance), events), NOW)])


def be(
    bot: int,
    at: int = NOW,
    *,
    user: str = "alice",
    received_at: int | None = None,
    sent_at: int | None = None,
    **fields: Any,
) -> None:
    """Store a user's presence: of the bot's time `at`, come at once unless told."""
    event = {"kind": "presence", "ts": at, "seq": next(_seq), "user_id": user} | fields
    header = Header(v=1, instance="one", sent_at=sent_at)
    events = msgspec.convert([event], list[AnyEvent])
    store([Incoming(bot, Batch(header, events), max(at, NOW) if received_at is None else received_at)])


def beat(bot: int, **fields: Any) -> None:
    """Store a heartbeat of this moment."""
    event = {"kind": "heartbeat", "ts": clock.now(), "seq": next(_seq)} | fields
    events = msgspec.convert([event], list[AnyEvent])
    store([Incoming(bot, Batch(Header(v=1, instance="one"), events), clock.now())])


def let_streams_end() -> None:
    """Wait until no thread of a stream uses the database: closing a connection that another thread waits for
    gives that thread the answers of the next connection, which gets the same file descriptor.
    """
    for thread in threading.enumerate():
        if thread.name in ("botwatch-tailer", "botwatch-states"):
            thread.join(30)
            assert not thread.is_alive()


class EndOfStream(Exception):
    """The other end closed the stream."""


class Stream:
    """Reads the frames out of an iterator of bytes. `last_id` is what a client would resume from, `events`
    are the names of what came.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.reader = FrameReader()
        self.raw = b""
        self.events: list[str] = []
        self.pieces = iter(pieces)
        self._frames = self._read()

    @property
    def last_id(self) -> int:
        return int(self.reader.last_id)

    def next(self, count: int) -> list[dict[str, Any]]:
        return list(itertools.islice(self._frames, count))

    def texts(self, count: int) -> list[str]:
        return [data["message_text"] for data in self.next(count)]

    def take(self) -> list[dict[str, Any]]:
        """All of the next piece, which may hold no frame."""
        return list(self._piece())

    def _read(self) -> Iterator[dict[str, Any]]:
        with suppress(EndOfStream):
            while True:
                yield from self._piece()

    def _piece(self) -> Iterator[dict[str, Any]]:
        piece = next(self.pieces, None)
        if piece is None:
            raise EndOfStream
        self.raw += piece
        for frame in self.reader.feed(piece):
            self.events.append(frame.event)
            data = json.loads(frame.data)
            assert frame.event in _STATES or data["id"] == int(frame.id) == self.last_id
            yield data


class InBackground(threading.Thread):
    """Runs a call in a thread and gives its result, or raises what it raised."""

    def __init__(self, call: Any, *args: Any) -> None:
        super().__init__(daemon=True)
        self._call, self._args = call, args
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._call(*self._args)
        except BaseException as error:
            self._error = error

    def result(self, timeout_s: float = 120) -> Any:
        self.join(timeout_s)
        assert not self.is_alive(), "still running"
        if self._error:
            raise self._error
        return self._result
