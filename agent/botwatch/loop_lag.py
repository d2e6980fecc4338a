"""Measures how late an asyncio loop runs what is due: the time in which the bot answers nobody."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop

TICK_S = 0.5


class LoopLag:
    """A timer in the loop notes its own lateness; it neither keeps the loop alive nor shows as a task."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._worst_s = 0.0
        self._due_s: float | None = None
        loop.call_soon_threadsafe(self._schedule)

    @property
    def is_over(self) -> bool:
        return self._loop.is_closed()

    def is_of(self, loop: AbstractEventLoop) -> bool:
        return self._loop is loop

    def take_worst_ms(self) -> float:
        """The greatest lag since the last call, that of a loop which hangs right now included."""
        worst_s, self._worst_s = self._worst_s, 0.0
        due_s = self._due_s
        if due_s is not None and self._loop.is_running():
            worst_s = max(worst_s, time.monotonic() - due_s)
        return round(worst_s * 1000, 3)

    def _schedule(self) -> None:
        self._due_s = time.monotonic() + TICK_S
        self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        if self._due_s is not None:
            self._worst_s = max(self._worst_s, time.monotonic() - self._due_s)
        self._schedule()
