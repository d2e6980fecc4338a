"""Reads newly committed messages once for all readers of this process, and wakes those who wait for them.

It runs while there are readers. The latest frames stay in memory, so readers who keep up never ask the
database; one who has fallen behind them catches up from the database by itself.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from .. import clock, counters, db
from . import reading
from .frames import Frame

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """How much of the latest is kept: frames that one burst brings, bytes that all of them may take."""

    frames: int = 2_000
    size_bytes: int = 8 << 20


@dataclass(frozen=True)
class News:
    """What a reader at some cursor has not seen. `frames` is None when it has to ask the database."""

    frames: list[Frame] | None
    position: int
    resets: int


class Tailer:
    """One for each process. `resets` counts how often the database went back to an earlier state.

    It rests for `rest_s` between two reads, so that hundreds of commits a second leave others their turn, and
    calls `on_change` in its thread when there is something new.
    """

    def __init__(
        self,
        *,
        poll_s: float = 0.2,
        rest_s: float = 0.02,
        window: Window | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._poll_s = poll_s
        self._rest_s = rest_s
        self._window = window or Window()
        self._on_change = on_change
        self._closes_when: Callable[[], bool] = lambda: False
        self.start_over()

    def start_over(self) -> None:
        """Forget everything; also for a forked child, where the thread and the readers don't exist."""
        self._changed = threading.Condition()
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._readers = 0
        self._healthy = True
        self.resets = 0
        self._position: int | None = None
        self._forget_frames(None)

    @property
    def readers(self) -> int:
        return self._readers

    @property
    def position(self) -> int | None:
        """What has been read; None before the first read."""
        return self._position

    @property
    def is_closed(self) -> bool:
        return self._closes_when()

    def attach(self) -> None:
        """Count a reader in. Each detaches once."""
        with self._changed:
            self._readers += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="botwatch-tailer", daemon=True)
                self._thread.start()

    def detach(self) -> None:
        with self._changed:
            self._readers -= 1
        self._awake.set()

    def wake(self) -> None:
        """Read now: something was committed. Costs nothing while nobody reads."""
        if self._readers:
            self._awake.set()

    def close_when(self, condition: Callable[[], bool]) -> None:
        """End all streams once `condition` is true; asked several times a second."""
        self._closes_when = condition

    def after(self, cursor: int, resets: int, timeout_s: float) -> News | None:
        """What is new above `cursor`; waits for it, and answers None when nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self._has_news(cursor, resets), timeout_s)
            if self._position is None or not self._has_news(cursor, resets):
                return None
            behind = cursor < self._floor
            return News(None if behind else self._frames_after(cursor), self._position, self.resets)

    def _has_news(self, cursor: int, resets: int) -> bool:
        return self._position is not None and (self._position > cursor or self.resets != resets)

    def _frames_after(self, cursor: int) -> list[Frame]:
        fresh = list(takewhile(lambda kept: _id(kept) > cursor, reversed(self._frames)))
        fresh.reverse()
        return fresh

    def _run(self) -> None:
        while self._is_needed():
            try:
                with db.connected():
                    self.step()
                self._healthy = True
            except Exception:
                if self._healthy:
                    _log.exception("the stream can't read the database; trying again until it can")
                self._healthy = False
            read_at = time.monotonic()
            self._awake.wait(self._poll_s)
            time.sleep(max(0.0, read_at + self._rest_s - time.monotonic()))
            self._awake.clear()

    def _is_needed(self) -> bool:
        with self._changed:
            if self._readers and not self.is_closed:
                return True
            # The next reader starts a new thread, which starts at the end.
            self._thread = None
            self._forget_frames(None)
            self._changed.notify_all()
            return False

    def step(self) -> None:
        """Read what has been committed since the last step."""
        upto = reading.latest_id()
        if self._position is None or upto < self._position:
            with self._changed:
                self.resets += self._position is not None
                self._forget_frames(upto)
                self._changed.notify_all()
            self._on_change()
            return
        while self._position < upto and not self.is_closed:
            chunk = reading.events_after(self._position, upto)
            self._keep(chunk.frames, chunk.cursor)

    def _keep(self, frames: list[Frame], cursor: int) -> None:
        _count_lag(frames)
        with self._changed:
            for one in frames:
                if one.hides:
                    self._take_back(one)
                self._frames.append(one)
                self._size_bytes += len(one.encoded)
            while len(self._frames) > self._window.frames or self._size_bytes > self._window.size_bytes:
                dropped = self._frames.popleft()
                self._size_bytes -= len(dropped.encoded)
                self._floor = _id(dropped)
            self._position = cursor
            self._changed.notify_all()
        self._on_change()

    def _forget_frames(self, position: int | None) -> None:
        """What holds from then on: everything above `_floor` and up to `_position` is in `_frames`."""
        self._frames: deque[Frame] = deque()
        self._size_bytes = 0
        self._floor = position or 0
        self._position = position

    def _take_back(self, hiding: Frame) -> None:
        """Whoever comes back is not told what a user has hidden since."""
        said = (hiding.stream, hiding.bot_id, hiding.user_id)
        kept = [one for one in self._frames if (one.stream, one.bot_id, one.user_id) != said]
        self._frames = deque(kept)
        self._size_bytes = sum(len(one.encoded) for one in kept)


def _id(frame: Frame) -> int:
    assert frame.id is not None
    return frame.id


def _count_lag(frames: list[Frame]) -> None:
    """From when an event came to this moment, when all readers can have it."""
    if frames:
        now = clock.now()
        lag_s = sum(max(now - one.received_at, 0) for one in frames) / clock.SECOND
        counters.count("botwatch_stream_lag_seconds_sum", lag_s)
        counters.count("botwatch_stream_lag_seconds_count", len(frames))
