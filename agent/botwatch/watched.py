"""What integrations and the bot ask to be watched. Lives as long as the agent."""

from __future__ import annotations

from sys import modules
from threading import get_ident
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from .checks import Check
    from .loop_lag import LoopLag


class Work:
    """A piece of work under way: in which thread or task, since when."""

    __slots__ = ("ended_s", "started_s", "task", "thread")

    def __init__(self, thread: int, task: Any, started_s: float) -> None:
        self.thread = thread
        self.task = task
        self.started_s = started_s
        self.ended_s: float | None = None


class Watched:
    def __init__(self) -> None:
        self.loops: list[LoopLag] = []
        self.connections: Callable[[], int] | None = None
        self.checks: dict[str, Check] = {}
        self.at_work: dict[object, Work] = {}
        self._loop: AbstractEventLoop | None = None

    def begin(self, key: object) -> None:
        """A handler goes to work, known by `key` until its `end`. Costs about a microsecond."""
        try:
            asyncio = modules.get("asyncio")
            loop = None if asyncio is None else asyncio._get_running_loop()
            task = None
            if loop is not None:
                task = asyncio.current_task(loop)  # type: ignore[union-attr]
                if loop is not self._loop:
                    self._loop = loop
                    self.watch_loop(loop)
            self.at_work[key] = Work(get_ident(), task, monotonic())
        except Exception:  # asyncio that is being imported, a loop that is none of asyncio's
            return

    def end(self, key: object) -> None:
        """Safe to repeat."""
        work = self.at_work.pop(key, None)
        if work is not None:
            work.ended_s = monotonic()

    def watch_loop(self, loop: AbstractEventLoop) -> None:
        """Safe to repeat, and from any thread."""
        from .loop_lag import LoopLag

        if not any(lag.is_of(loop) for lag in self.loops):
            self.loops.append(LoopLag(loop))

    def answers(self) -> dict[str, dict[str, Any]] | None:
        """What each check answered last, as a heartbeat tells it; None before the first answer."""
        asked = self.checks.copy().values()
        return {check.name: check.answer.fields() for check in asked if check.answer is not None} or None

    def start_over(self) -> None:
        """In a forked child: none of the parent's threads are here."""
        self.loops.clear()
        self.at_work.clear()
        self._loop = None
        for check in self.checks.values():
            check.start_over()
