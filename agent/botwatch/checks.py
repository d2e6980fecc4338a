"""Asks the bot's dependencies, by functions of the developer's, and remembers what each answered last."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .background import Call
from .encode import now_ms
from .errors import ConfigurationError
from .heartbeat import event_body
from .troubles import remark

if TYPE_CHECKING:
    from .privacy import Privacy
    from .watched import Watched

MOST = 32
NAME_LIMIT = 64
RANGES = {"every_s": (0.1, 86_400.0), "timeout_s": (0.05, 3_600.0)}
NEVER = float("inf")
CANCEL_S = 1.0


class Answer(NamedTuple):
    """What a dependency answered. A heartbeat repeats it; the event of the check says it once."""

    status: str
    latency_ms: float | None
    message: str | None
    checked_at: int

    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if value is not None}


class Check:
    """One dependency. Its function runs in a thread of its own, and never a second time beside itself."""

    def __init__(self, name: str, function: Callable[[], Any], every_s: float, timeout_s: float) -> None:
        self.name = name
        self._function = function
        self._every_s = every_s
        self._timeout_s = timeout_s
        self.start_over()

    def start_over(self) -> None:
        """In a forked child, where the parent's thread is not: it asks for itself."""
        self.answer: Answer | None = None
        self._call: Call | None = None
        self._is_overdue = False
        self.due_s = 0.0
        """When there is something to do: to ask, or to say that no answer came in time."""

    def step(self, now: float, watched: Watched, privacy: Privacy, wake: Callable[[], None]) -> str | None:
        """Ask when it is time; the event of an answer that wasn't there before."""
        call = self._call
        if call is None:
            if now >= self.due_s:
                self._ask(now, watched, wake)
            return None
        if call.is_over:
            self._call, self.due_s = None, call.started_s + self._every_s
            # What comes too late isn't told: the next answer is.
            return None if self._is_overdue else self._tell(answer_of(call, privacy))
        if now < self.due_s:
            return None
        self._is_overdue, self.due_s = True, NEVER
        return self._tell(Answer("fail", None, f"no answer within {self._timeout_s:g} s", now_ms()))

    def _tell(self, answer: Answer) -> str:
        self.answer = answer
        told = answer.fields()
        del told["checked_at"]
        return event_body("check", {"name": self.name, **told})

    def _ask(self, now: float, watched: Watched, wake: Callable[[], None]) -> None:
        self.due_s = now + self._every_s  # also when no thread can be started
        self._call = Call(lambda: self._answered(watched), f"botwatch-check-{self.name}", wake)
        self._is_overdue, self.due_s = False, now + self._timeout_s

    def _answered(self, watched: Watched) -> Any:
        returned = self._function()
        return self._awaited(returned, watched) if inspect.isawaitable(returned) else returned

    def _awaited(self, awaitable: Awaitable[Any], watched: Watched) -> Any:
        """In the bot's own event loop where there is one: its connections belong to that."""
        until_s = self._timeout_s + CANCEL_S

        async def within() -> Any:
            return await asyncio.wait_for(awaitable, until_s)

        loop = next((lag.loop for lag in watched.loops if lag.is_running), None)
        if loop is None:
            return asyncio.run(within())
        # A loop that ends meanwhile never answers.
        return asyncio.run_coroutine_threadsafe(within(), loop).result(until_s + CANCEL_S)


def answer_of(call: Call, privacy: Privacy) -> Answer:
    """A function fails by raising. One that answers False means that as well."""
    trouble = call.trouble or ("answered False" if call.value is False else None)
    if trouble is None:
        return Answer("ok", call.took_ms, None, now_ms())
    return Answer("fail", call.took_ms, remark(trouble, privacy), now_ms())


def confirm(name: object, known: dict[str, Check], **numbers: object) -> None:
    """Raises ConfigurationError for what can't be a check."""
    if not (isinstance(name, str) and 0 < len(name) <= NAME_LIMIT and name.isprintable()):
        raise ConfigurationError(f"check: expected a name of up to {NAME_LIMIT} characters, got {name!r}")
    if name not in known and len(known) >= MOST:
        raise ConfigurationError(f"check {name}: there are {MOST} checks already")
    for setting, value in numbers.items():
        least, most = RANGES[setting]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:  # type: ignore[operator]
            raise ConfigurationError(
                f"check {name}: {setting}: expected {least:g} to {most:g}, got {value!r}"
            )
