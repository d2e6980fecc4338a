"""The update being answered right now: who is waiting, and since when.

A turn travels in a context variable, so that it follows the handler through tasks, `to_thread` and
concurrent updates, and never leaks into another update.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

_current: ContextVar[Turn | None] = ContextVar("botwatch_turn", default=None)


@dataclass(slots=True)
class Turn:
    """One update in the hands of the bot. `chats` are the places where sending counts as answering it."""

    user_id: str | None = None
    user_name: str | None = None
    channel: str | None = None
    chats: frozenset[str] = frozenset()
    sent_at: float | None = None
    """When the user sent it, by the platform's clock (unix seconds)."""
    is_answered: bool = False
    """Whether an answer is recorded already, so that the webhook's response is not taken for one."""
    started: float = field(default_factory=time.monotonic)

    def response_ms(self) -> int:
        """Handling time so far."""
        return max(0, round((time.monotonic() - self.started) * 1000))

    def wait_ms(self) -> int | None:
        """How long the user has waited so far; never negative, for the platform's clock may run ahead."""
        if self.sent_at is None:
            return None
        return max(0, round((time.time() - self.sent_at) * 1000))


def current_turn() -> Turn | None:
    """The turn of the calling task or thread, None outside of one."""
    return _current.get()


def begin(turn: Turn | None) -> None:
    """Make `turn` the current one of this task or thread, and of what it starts, until another one begins."""
    _current.set(turn)
