"""One reader's stream as an iterator of bytes: exact, in order, and never in anybody's way.

A reader is a cursor. What lies above it comes from the tailer's memory, or from the database when the reader
is behind; nothing is held while it waits, neither a connection nor a lock.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager

import peewee
from playhouse.pool import MaxConnectionsExceeded

from .. import counters, db
from ..errors import BotwatchError
from . import reading
from .client import PIECE_BYTES, Client
from .filters import Filters
from .frames import Frame, comment, opening, ping
from .hub import Place
from .tailer import News

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
    """The bots a reader may see, asked again every few seconds and for every bot not seen before; None among
    them stands for the collector itself.

    `ask` needs a connection and raises BotwatchError once the token is revoked or the login has ended.
    """

    def __init__(self, ask: Callable[[], Collection[int | None]]) -> None:
        self._ask = ask
        self.refresh()

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._asked_at >= _CHECK_S

    def refresh(self) -> Sequence[int]:
        """The bots as of now."""
        self.bots = frozenset(self._ask())
        self._hidden: set[int | None] = set()
        self._asked_at = time.monotonic()
        return [bot for bot in self.bots if bot is not None]

    def sees(self, bot_id: int | None) -> bool:
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
    """The stream of one reader who was let in. Close it, whether it was read or not."""

    def __init__(self, place: Place, scope: Scope, filters: Filters, cursor: int, client: Client) -> None:
        self._place = place
        self._tailer = place.tailer
        self._scope = scope
        self._filters = filters
        self._cursor = cursor
        self._client = client
        self._resets = place.tailer.resets
        self._states_version = 0
        self._sent_at = time.monotonic()
        self._pieces = self._stream()

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self._pieces.close()
        self._place.leave()

    def _stream(self) -> Generator[bytes, None, None]:
        try:
            yield from self._written(opening(self._cursor))
            while True:
                self._check()
                yield from self._written(self._states())
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

    def _states(self) -> bytes:
        fresh, self._states_version = self._place.board.after(self._states_version, self._filters.channels)
        with self._asking():
            return self._wanted(fresh)
        # Whom it is about can't be asked at present: tell all of it later.
        self._states_version = 0
        return b""

    def _next(self) -> bytes:
        """What to send now; empty when there is nothing yet."""
        news = self._tailer.after(self._cursor, self._resets, _WAIT_S)
        if news is None:
            return self._ping_when_due()
        with self._asking():
            if news.resets != self._resets:
                return self._begin_again(news)
            self._place.note_slow(news.frames is None)
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
            # Asked after `upto` was read: whichever bot has an event up to there exists by now.
            chunk = reading.events_after(self._cursor, upto, self._scope.refresh(), self._filters)
        return self._advance(chunk.frames, chunk.cursor)

    def _advance(self, frames: list[Frame], cursor: int) -> bytes:
        wanted = self._wanted(frames)
        self._cursor = cursor
        return wanted or self._ping_when_due()

    def _wanted(self, frames: list[Frame]) -> bytes:
        wanted = [one for one in frames if self._filters.match(one) and self._scope.sees(one.bot_id)]
        if not wanted:
            return b""
        for name, number in Counter(one.stream for one in wanted).items():
            counters.count("botwatch_stream_events_total", number, channel=name)
        encoded = b"".join(one.encoded for one in wanted)
        counters.count("botwatch_stream_bytes_total", len(encoded))
        return encoded

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
            self._place.note_slow(True)
            if self._tailer.is_closed or self._client.is_gone():
                raise _Ended
            if time.monotonic() >= until:
                raise _Ended("stalled")
