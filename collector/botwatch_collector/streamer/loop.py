"""The loop that writes to all readers, in one pass for all that was committed since the last.

A reader is live when it has everything up to the loop's cursor. One whose socket is full, or who is behind,
goes on from a cursor of its own until it is live again; nothing is kept for it but the rest of one frame.
"""

import os
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from .. import counters
from ..access import Credential
from ..errors import BotwatchError
from ..stream import Board, Frame, Seat, Seats, Tailer
from ..stream.frames import comment, opening, ping
from ..stream.tailer import News
from .catching_up import EVENTS_AT_ONCE, CatchingUp, Request
from .door import Door, Passed, refuse
from .interest import Interest
from .readers import GONE, Audience, Batch, Reader

PING_S = 15.0
STALLED_S = 60.0
_TICK_S = 1.0
_TAKEN_AT_ONCE = 200

_WATCHED = select.EPOLLIN | select.EPOLLRDHUP
_ENDED = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


@dataclass(frozen=True)
class Caps:
    """How many streams there may be in all, and of one token or account."""

    streams: int
    each: int


class Loop:
    """For the thread that calls `turn`; others `post`, `wake` and `notice`, and ask for the properties."""

    def __init__(self, door: Door, caps: Caps, make_tailer: Callable[[Callable[[], None]], Tailer]) -> None:
        self._door = door
        self._caps = caps
        self._posted: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._tailer = make_tailer(self.wake)
        self._catching_up = CatchingUp(lambda request: self.post(self._caught_up, request))
        self._readers: dict[int, Reader] = {}
        self._audiences: dict[tuple[Interest, bool], Audience] = {}
        self._seats = Seats()
        self._board = Board()
        self._early: set[Reader] = set()
        self._blocked: set[Reader] = set()
        self._cursor: int | None = None
        self._resets = 0
        self._ticked_at = time.monotonic()
        self._epoll = select.epoll()
        for handle in (door.inside.fileno(), door.bell, self._changed):
            self._epoll.register(handle, select.EPOLLIN)

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def slow_readers(self) -> int:
        """Those who are caught up from the database, or take nothing at present."""
        readers = list(self._readers.values())
        return sum(one.awaits is not None or one.blocked_at is not None for one in readers)

    @property
    def credentials(self) -> set[Credential]:
        """Of all readers, each once."""
        return {one.credential for one in list(self._readers.values())}

    def post(self, call: Callable[..., None], *args: Any) -> None:
        """Have something called in the loop's thread; from any thread."""
        self._posted.append((call, args))
        self.wake()

    def wake(self) -> None:
        os.eventfd_write(self._changed, 1)

    def notice(self) -> None:
        """Something was committed; from any thread."""
        self._tailer.wake()

    def turn(self, timeout_s: float = _TICK_S) -> None:
        """Wait until there is something to do, and do it."""
        events = dict(self._epoll.poll(timeout_s))
        for handle, event in events.items():
            if reader := self._readers.get(handle):
                self._on_client(reader, event)
        if self._changed in events:
            os.eventfd_read(self._changed)
        if self._door.bell in events:
            self._door.answer_bell()
            self._tailer.wake()
        while self._posted:
            call, args = self._posted.popleft()
            call(*args)
        self._pass()
        # After the events of readers: a new one may get the number of a connection that has just ended.
        if self._door.inside.fileno() in events:
            self._let_in()
        if self._cursor is not None:
            self._catching_up.start(self._cursor)
        if time.monotonic() - self._ticked_at >= _TICK_S:
            self._tick()

    def close(self) -> None:
        """End all streams and all reading."""
        for reader in list(self._readers.values()):
            self._drop(reader)
        self._catching_up.close()

    def end_those_of(self, lost: Collection[Credential]) -> None:
        """End the streams of who may not read any longer."""
        for reader in [one for one in self._readers.values() if one.credential in lost]:
            self._drop(reader, "access")

    # Coming and going

    def _let_in(self) -> None:
        for _ in range(_TAKEN_AT_ONCE):
            taken = self._door.take()
            if taken is None:
                return
            connection, passed = taken
            seat = Seat(passed.who, self._caps.streams, self._caps.each)
            try:
                self._seats.take(seat)
            except BotwatchError as error:
                refuse(connection, error)
            else:
                self._add(connection, passed, seat)

    def _add(self, connection: socket.socket, passed: Passed, seat: Seat) -> None:
        if not self._readers:
            self._tailer.attach()
        self._board.attach(passed.interest.filters.channels)
        key = passed.interest, passed.chunked
        audience = self._audiences.setdefault(key, Audience(*key, time.monotonic()))
        audience.members += 1
        reader = Reader(connection, passed, seat, audience, opening(passed.cursor))
        self._readers[connection.fileno()] = reader
        self._epoll.register(connection.fileno(), _WATCHED)
        self._go_on(reader)

    def _drop(self, reader: Reader, reason: str | None = None) -> None:
        """`reason` is set when it is us who end it."""
        if reason:
            counters.count("botwatch_stream_dropped_total", reason=reason)
        handle = reader.connection.fileno()
        self._epoll.unregister(handle)
        del self._readers[handle]
        self._leave(reader)
        reader.end()
        self._seats.give_back(reader.seat)
        self._board.detach(reader.audience.interest.filters.channels)
        reader.audience.members -= 1
        if not reader.audience.members:
            del self._audiences[reader.audience.interest, reader.audience.chunked]
        if not self._readers:
            self._tailer.detach()
            self._cursor = None

    def _leave(self, reader: Reader) -> None:
        """Whatever it was waiting for, it doesn't any longer."""
        self._part(reader, reader.cursor)
        self._early.discard(reader)
        self._blocked.discard(reader)
        reader.awaits = None

    def _on_client(self, reader: Reader, event: int) -> None:
        if event & _ENDED or (event & select.EPOLLIN and reader.has_hung_up()):
            self._drop(reader)
        elif event & select.EPOLLOUT:
            self._go_on(reader)

    # One reader

    def _part(self, reader: Reader, cursor: int) -> None:
        """From now on it goes by itself."""
        if reader in reader.audience.live:
            del reader.audience.live[reader]
            reader.cursor, reader.version = cursor, reader.audience.version

    def _go_on(self, reader: Reader) -> None:
        """Write the rest of the frame that was begun, then what comes after it."""
        sent = reader.put(reader.rest)
        if sent == GONE:
            return self._drop(reader)
        reader.rest = reader.rest[sent:]
        if reader.rest:
            return self._block(reader)
        if reader.blocked_at is not None:
            self._blocked.discard(reader)
            reader.blocked_at = None
            self._epoll.modify(reader.connection.fileno(), _WATCHED)
        reader.sent_at = time.monotonic()
        return self._advance(reader)

    def _block(self, reader: Reader) -> None:
        self._blocked.add(reader)
        if reader.blocked_at is None:
            self._epoll.modify(reader.connection.fileno(), _WATCHED | select.EPOLLOUT)
        reader.blocked_at = time.monotonic()

    def _advance(self, reader: Reader) -> None:
        """Bring it to the loop's cursor out of what the tailer keeps, or have the database asked."""
        while self._cursor is not None and reader.cursor < self._cursor and not self._is_restored():
            frames = self._recent(reader.cursor, self._cursor)
            if frames is None:
                return self._catching_up.ask(reader)
            upto = self._cursor if len(frames) <= EVENTS_AT_ONCE else _id(frames[EVENTS_AT_ONCE - 1])
            if not self._offer(reader, reader.audience.batch(frames[:EVENTS_AT_ONCE]), upto):
                return None
        if reader.cursor == self._cursor:
            return self._join(reader)
        # It may have seen what the tailer hasn't read yet: made live now, it would see that twice.
        self._early.add(reader)
        return self._tailer.wake()

    def _join(self, reader: Reader) -> None:
        """It is live once it has the present states as well."""
        audience = reader.audience
        self._tell_states(audience)
        fresh, reader.version = self._board.after(reader.version, audience.interest.filters.channels)
        batch = audience.batch(fresh)
        if batch.data:
            reader.rest = batch.data
            _count(batch.frames, len(batch.data))
            return self._go_on(reader)
        audience.live[reader] = reader.send
        return None

    def _is_restored(self) -> bool:
        """The database went back to an earlier state, which the next pass deals with."""
        return self._tailer.resets != self._resets

    def _recent(self, cursor: int, upto: int) -> list[Frame] | None:
        """The frames between, if the tailer has them. It may have read further by now than `upto`."""
        news = self._tailer.after(cursor, self._resets, 0)
        if news is None or news.frames is None:
            return None
        return [frame for frame in news.frames if _id(frame) <= upto]

    def _offer(self, reader: Reader, batch: Batch, upto: int) -> bool:
        """Write to one; whether it took all."""
        sent = reader.put(batch.data)
        if sent != len(batch.data):
            self._cut_short(reader, batch, sent)
            return False
        reader.cursor = upto
        if batch.frames:
            reader.sent_at = time.monotonic()
            _count(batch.frames, sent)
        return True

    def _cut_short(self, reader: Reader, batch: Batch, sent: int) -> None:
        if sent == GONE:
            return self._drop(reader)
        begun, reader.rest = batch.cut(sent)
        if begun:
            reader.cursor = _id(begun[-1])
            _count(begun, sent + len(reader.rest))
        return self._block(reader)

    def _caught_up(self, request: Request) -> None:
        self._catching_up.answered(request)
        for reader in request.readers:
            if reader.awaits is request:
                reader.awaits = None
                self._give(reader, request)

    def _give(self, reader: Reader, request: Request) -> None:
        if request.frames is None:
            return self._catching_up.ask(reader)
        if not request.frames and time.monotonic() - reader.sent_at >= PING_S:
            reader.cursor, reader.rest = request.upto, reader.audience.framed(ping(request.upto))
            return self._go_on(reader)
        batch = reader.audience.batch(request.frames)
        return self._advance(reader) if self._offer(reader, batch, request.upto) else None

    # All readers

    def _pass(self) -> None:
        """Write what was committed since the last pass."""
        position = self._tailer.position
        if position is None or not self._readers:
            return
        if self._cursor is None:
            self._cursor, self._resets = position, self._tailer.resets
        news = self._tailer.after(self._cursor, self._resets, 0)
        if news is not None and news.resets != self._resets:
            self._begin_again(news)
        elif news is not None:
            self._deliver(news, self._cursor)
        for reader in [one for one in self._early if one.cursor <= self._cursor]:
            self._early.discard(reader)
            self._advance(reader)

    def _deliver(self, news: News, since: int) -> None:
        self._cursor = news.position
        for audience in list(self._audiences.values()):
            if news.frames is None:
                # More was committed during a pass than the tailer keeps.
                self._fall_behind(audience, since)
            else:
                self._write(audience, audience.batch(news.frames), since)

    def _fall_behind(self, audience: Audience, since: int) -> None:
        for reader in list(audience.live):
            self._part(reader, since)
            self._advance(reader)

    def _write(self, audience: Audience, batch: Batch, since: int) -> None:
        if not batch.data:
            return
        audience.sent_at = time.monotonic()
        short = audience.deliver(batch.data)
        _count(batch.frames, len(batch.data), len(audience.live) - len(short))
        for reader, sent in short:
            self._part(reader, since)
            self._cut_short(reader, batch, sent)

    def _begin_again(self, news: News) -> None:
        """The database was restored: the ids above its own are going to mean other messages."""
        self._resets, self._cursor = news.resets, news.position
        notice = comment(f"the collector went back to id {news.position}") + ping(news.position)
        for reader in list(self._readers.values()):
            self._leave(reader)
            reader.cursor = news.position
            reader.rest += reader.audience.framed(notice)
            self._go_on(reader)

    def _tick(self) -> None:
        self._ticked_at = now = time.monotonic()
        for reader in [one for one in self._blocked if now - (one.blocked_at or now) >= STALLED_S]:
            self._drop(reader, "stalled")
        if self._cursor is None:
            return
        for audience in self._audiences.values():
            self._tell_states(audience)
            if now - audience.sent_at >= PING_S:
                self._tell(audience, audience.framed(ping(self._cursor)))

    def _tell_states(self, audience: Audience) -> None:
        """Write the states that have become others since the last time."""
        fresh, audience.version = self._board.after(audience.version, audience.interest.filters.channels)
        batch = audience.batch(fresh)
        if batch.data:
            _count(batch.frames, len(batch.data), len(audience.live))
            self._tell(audience, batch.data)

    def _tell(self, audience: Audience, data: bytes) -> None:
        """Write what is no event: who takes a part of it gets the rest, since it can't be read again."""
        audience.sent_at = time.monotonic()
        for reader, sent in audience.deliver(data):
            self._part(reader, self._cursor or 0)
            reader.rest = data[max(sent, 0) :]
            self._block(reader)


def _id(frame: Frame) -> int:
    """Of an event; states have none."""
    assert frame.id is not None
    return frame.id


def _count(frames: Iterable[Frame], size_bytes: int, readers: int = 1) -> None:
    if readers:
        for channel, number in Counter(frame.stream for frame in frames).items():
            counters.count("botwatch_stream_events_total", number * readers, channel=channel)
        counters.count("botwatch_stream_bytes_total", size_bytes * readers)
