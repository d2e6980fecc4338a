"""Notices an event loop or a handler that hangs, and tells at which line: while it does, and after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from . import stacks
from .troubles import blocked_body

if TYPE_CHECKING:
    from .config import Config
    from .loop_lag import LoopLag
    from .stacks import Place
    from .watched import Watched, Work

MOST_AT_ONCE = 10
"""When a thousand handlers wait for one database, the first ten tell enough."""


class Told(NamedTuple):
    """A hang that was reported and isn't over."""

    what: str
    work: Work
    since_ms: int
    places: list[Place]
    loop: LoopLag | None


class Watchdog:
    """In the hands of the pulse. Only what hangs costs anything: one look at the frames of its thread."""

    def __init__(self, config: Config, watched: Watched) -> None:
        self._blocked_s = config.blocked_s
        self._hanging_s = config.hanging_s
        self._period_s = min(config.blocked_s, config.hanging_s) / 2
        self._privacy = config.privacy
        self._watched = watched
        self._told: list[Told] = []
        self.due_s = time.monotonic()

    def step(self, now: float) -> list[str]:
        """The events that are to be recorded."""
        if now < self.due_s:
            return []
        asleep_s = now - self.due_s
        self.due_s = now + self._period_s
        return [*self._ended(now), *self._begun(now, asleep_s)]

    def _ended(self, now: float) -> Iterator[str]:
        for told in list(self._told):
            if told.loop is not None and not told.loop.is_running:
                told.loop.end_hang(now)
            ended_s = told.work.ended_s
            if ended_s is not None:
                self._told.remove(told)
                blocked_s = ended_s - told.work.started_s
                yield blocked_body(
                    told.what, told.since_ms, blocked_s, told.places, self._privacy, is_over=True
                )

    def _begun(self, now: float, asleep_s: float) -> Iterator[str]:
        """While we were late ourselves, on a machine that was suspended say, nothing else could get on."""
        for lag in self._watched.loops:
            late_s = lag.late_s(now)
            if late_s - asleep_s >= self._blocked_s and lag.hanging is None:
                work = lag.hangs_since(now - late_s)
                yield from self._tell("event_loop", work, now, lag)
        for work in self._watched.at_work.copy().values():
            if now - work.started_s - asleep_s >= self._hanging_s and not self._is_known(work):
                yield from self._tell("handler", work, now)

    def _is_known(self, work: Work) -> bool:
        """Reported already, or as the loop that it hangs together with."""
        return any(
            told.work is work
            or (told.loop is not None and work.task is not None and told.work.thread == work.thread)
            for told in self._told
        )

    def _tell(self, what: str, work: Work, now: float, loop: LoopLag | None = None) -> Iterator[str]:
        places = places_of(work)
        # It may have ended while we looked at it.
        if work.ended_s is None and places and len(self._told) < MOST_AT_ONCE:
            blocked_s = now - work.started_s
            told = Told(what, work, round((time.time() - blocked_s) * 1000), places, loop)
            self._told.append(told)
            yield blocked_body(what, told.since_ms, blocked_s, places, self._privacy)


def places_of(work: Work) -> list[Place]:
    return stacks.of_thread(work.thread) if work.task is None else stacks.of_task(work.task)
