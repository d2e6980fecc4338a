"""The present state of bots and collector, kept ready for those who asked to be told of it.

A state is told to a reader when the stream opens, and again whenever it is another. Only the latest is kept:
a slow reader skips what has passed, and whoever comes back misses nothing.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from .. import clock, db
from ..analytics.live import Present
from .channels import STATES, States
from .frames import Frame

_log = logging.getLogger(__name__)

_RETRY_S = 1.0

_Key = tuple[str, int | None]


class Board:
    """One for each process. Its thread reads the channels that somebody wants, and runs only then."""

    def __init__(self, channels: Mapping[str, States] = STATES) -> None:
        self._channels = channels
        self.start_over()

    def start_over(self) -> None:
        """Forget everything; also for a forked child, where the thread and the readers don't exist."""
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted: Counter[str] = Counter()
        self._healthy = True
        self._version = 0
        self._forget()

    def attach(self, channels: Iterable[str]) -> None:
        """Count a reader of these channels in; those that are no states don't matter. Each detaches once."""
        with self._lock:
            self._wanted.update(name for name in channels if name in self._channels)
            if self._thread is None and self._wanted:
                self._thread = threading.Thread(target=self._run, name="botwatch-states", daemon=True)
                self._thread.start()
        self._awake.set()

    def detach(self, channels: Iterable[str]) -> None:
        with self._lock:
            self._wanted -= Counter(name for name in channels if name in self._channels)
        self._awake.set()

    def after(self, version: int, channels: Collection[str]) -> tuple[list[Frame], int]:
        """What is new above a version, oldest first, and the version to go on from; 0 is the beginning.

        Costs next to nothing while there is nothing new.
        """
        if version == self._version:
            return [], version
        with self._lock:
            fresh = [frame for number, frame in self._frames.values() if number > version]
            return [frame for frame in fresh if frame.stream in channels], self._version

    def step(self, now_s: float) -> None:
        """Read what is due at this time of the monotonic clock."""
        with self._lock:
            due = [self._channels[name] for name in self._wanted if now_s >= self._due_at.get(name, 0.0)]
        for channel in due:
            self._due_at[channel.name] = now_s + _RETRY_S
            self._keep(channel, list(channel.read(clock.now())))
            self._due_at[channel.name] = now_s + channel.period_s

    def _keep(self, channel: States, states: Sequence[Present]) -> None:
        with self._lock:
            present = {(channel.name, state.bot_id): state for state in states}
            for gone in [key for key in self._frames if key[0] == channel.name and key not in present]:
                del self._frames[gone], self._marks[gone]
            for key, state in present.items():
                if key not in self._marks or self._marks[key] != state.mark:
                    self._version += 1
                    self._frames.pop(key, None)
                    self._frames[key] = (self._version, channel.frame(state))
                    self._marks[key] = state.mark

    def _run(self) -> None:
        while self._is_needed():
            self._awake.clear()
            try:
                with db.connected():
                    self.step(time.monotonic())
                self._healthy = True
            except Exception:
                if self._healthy:
                    _log.exception("the stream can't read the present state; trying again until it can")
                self._healthy = False
            self._awake.wait(self._rest_s())

    def _rest_s(self) -> float:
        with self._lock:
            due_at = [self._due_at.get(name, 0.0) for name in self._wanted]
        return max(min(due_at, default=0.0) - time.monotonic(), 0.0)

    def _is_needed(self) -> bool:
        with self._lock:
            if self._wanted:
                return True
            # The next reader starts a new thread, and what he is told first must not be old.
            self._thread = None
            self._forget()
            return False

    def _forget(self) -> None:
        self._frames: dict[_Key, tuple[int, Frame]] = {}
        self._marks: dict[_Key, object] = {}
        self._due_at: dict[str, float] = {}
