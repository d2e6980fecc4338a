"""One reader's stream as an iterator of bytes: exact, in order, and never in anybody's way.

A reader is a cursor. What lies above it comes from the tailer's memory, or from the database when the reader
is behind; nothing is held while it waits, neither a connection nor a lock.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager

import peewee
from playhouse.pool import MaxConnectionsExceeded

from .. import counters, db
from ..errors import BotwatchError
from . import reading
from .client import PIECE_BYTES, Client
from .frames import Frame, comment, frame, opening, ping
from .reading import Filters
from .tailer import News, Tailer

PING_S = 15.0
STALLED_S = 60.0
_CHECK_S = 5.0
_WAIT_S = 1.0


class _Ended(Exception):
    """The stream is over; `reason` is set when it was us who ended it."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class Scope:
    """The bots a reader may see, asked again every few seconds and for every bot not seen before.

    `ask` needs a connection and raises BotwatchError once the token is revoked or the login has ended.
    """

    def __init__(self, ask: Callable[[], Sequence[int]]) -> None:
        self._ask = ask
        self.refresh()

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._asked_at >= _CHECK_S

    def refresh(self) -> frozenset[int]:
        self.bots = frozenset(self._ask())
        self._hidden: set[int] = set()
        self._asked_at = time.monotonic()
        return self.bots

    def sees(self, bot_id: int) -> bool:
        """Whether the reader may see the bot; one added after the last asking is asked about at once."""
        if bot_id in self.bots:
            return True
        if bot_id in self._hidden:
            return False
        with db.connected():
            self.refresh()
        if bot_id not in self.bots:
            self._hidden.add(bot_id)
        return bot_id in self.bots


class Subscription(Iterator[bytes]):
    """The stream of one reader who is attached to the tailer. Close it, whether it was read or not."""

    def __init__(self, tailer: Tailer, scope: Scope, filters: Filters, cursor: int, client: Client) -> None:
        self._tailer = tailer
        self._scope = scope
        self._filters = filters
        self._cursor = cursor
        self._client = client
        self._resets = tailer.resets
        self._sent_at = time.monotonic()
        self._attached = True
        self._pieces = self._stream()

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self._pieces.close()
        if self._attached:
            self._attached = False
            self._tailer.detach()

    def _stream(self) -> Generator[bytes, None, None]:
        try:
            yield from self._written(opening(self._cursor))
            while True:
                self._check()
                yield from self._written(self._next())
        except _Ended as end:
            if end.reason:
                counters.count("botwatch_stream_dropped_total", reason=end.reason)

    def _check(self) -> None:
        if self._tailer.is_closed or self._client.is_gone():
            raise _Ended
        if self._scope.is_old:
            with self._asking(), db.connected():
                self._scope.refresh()

    def _next(self) -> bytes:
        """What to send now; empty when there is nothing yet."""
        news = self._tailer.after(self._cursor, self._resets, _WAIT_S)
        if news is None:
            return self._ping_when_due()
        with self._asking():
            if news.resets != self._resets:
                return self._begin_again(news)
            if news.frames is None:
                return self._from_database(news.position)
            return self._advance(news.frames, news.position)
        return self._ping_when_due()

    def _begin_again(self, news: News) -> bytes:
        """The database was restored: the ids above its own are going to mean other messages."""
        self._resets, self._cursor = news.resets, news.position
        return comment(f"the collector went back to id {news.position}") + ping(news.position)

    def _from_database(self, upto: int) -> bytes:
        with db.connected():
            # Asked after `upto` was read: whichever bot has a message up to there exists by now.
            chunk = reading.messages_after(self._cursor, upto, list(self._scope.refresh()), self._filters)
        return self._advance([frame(message) for message in chunk.messages], chunk.cursor)

    def _advance(self, frames: list[Frame], cursor: int) -> bytes:
        wanted = [one.encoded for one in frames if self._filters.match(one) and self._scope.sees(one.bot_id)]
        self._cursor = cursor
        if wanted:
            counters.count("botwatch_stream_events_total", len(wanted))
        return b"".join(wanted) or self._ping_when_due()

    def _ping_when_due(self) -> bytes:
        return ping(self._cursor) if time.monotonic() - self._sent_at >= PING_S else b""

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """While the database doesn't answer, the stream stays where it is; without access it ends."""
        try:
            yield
        except BotwatchError as error:
            raise _Ended("access") from error
        except (peewee.PeeweeException, MaxConnectionsExceeded):
            # The tailer logs it; the pings go on.
            time.sleep(_WAIT_S)

    def _written(self, encoded: bytes) -> Iterator[bytes]:
        for start in range(0, len(encoded), PIECE_BYTES):
            self._await_client()
            self._sent_at = time.monotonic()
            yield encoded[start : start + PIECE_BYTES]

    def _await_client(self) -> None:
        until = time.monotonic() + STALLED_S
        while not self._client.is_ready(_WAIT_S / 2):
            if self._tailer.is_closed or self._client.is_gone():
                raise _Ended
            if time.monotonic() >= until:
                raise _Ended("stalled")
