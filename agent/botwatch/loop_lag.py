"""Measures how late an asyncio loop runs what is due: the time in which the bot answers nobody."""

from __future__ import annotations

import threading
import time
from asyncio import _get_running_loop
from typing import TYPE_CHECKING

from .watched import Work

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

TICK_S = 0.5


class LoopLag:
    """A timer in the loop notes its own lateness; it neither keeps the loop alive nor shows as a task."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self._worst_s = 0.0
        self._due_s: float | None = None
        self._thread = 0
        self.hanging: Work | None = None
        """What the watchdog has found out to hang; it ends with the loop's next step."""
        if _get_running_loop() is loop:
            # At once: the handler that the loop is watched for may be the one that blocks it.
            self._schedule()
        else:
            loop.call_soon_threadsafe(self._schedule)

    @property
    def is_over(self) -> bool:
        return self.loop.is_closed()

    def is_of(self, loop: AbstractEventLoop) -> bool:
        return self.loop is loop

    def take_worst_ms(self) -> float:
        """The greatest lag since the last call, that of a loop which hangs right now included."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return round(max(worst_s, self.late_s(time.monotonic())) * 1000, 3)

    @property
    def is_running(self) -> bool:
        return self.loop.is_running()

    def late_s(self, now: float) -> float:
        """How long it has been late now."""
        due_s = self._due_s
        return max(0.0, now - due_s) if due_s is not None and self.is_running else 0.0

    def hangs_since(self, since_s: float) -> Work:
        """Begin to count the present hang as such."""
        self.hanging = Work(self._thread, None, since_s)
        return self.hanging

    def end_hang(self, now: float) -> None:
        hanging, self.hanging = self.hanging, None
        if hanging is not None:
            hanging.ended_s = now

    def _schedule(self) -> None:
        self._thread = threading.get_ident()
        self._due_s = time.monotonic() + TICK_S
        self.loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._due_s is not None:
            self._worst_s = max(self._worst_s, now - self._due_s)
        self.end_hang(now)
        self._schedule()
