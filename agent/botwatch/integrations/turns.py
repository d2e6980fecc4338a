"""The update being answered right now: who is waiting, and since when.

A turn is what `waiting` says of the calling task or thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from ..waiting import current


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

    def times_of_answer(self, user_id: str) -> tuple[int | None, int | None]:
        """Of a message that the bot records itself; a turn in which nobody is known answers anybody."""
        if self.chats and user_id not in self.chats:
            return None, None
        self.is_answered = True
        return self.response_ms(), self.wait_ms()


def current_turn() -> Turn | None:
    """The turn of the calling task or thread, None outside of one."""
    return cast("Turn | None", current.get())


@contextmanager
def in_turn(turn: Turn | None) -> Iterator[None]:
    """With None, a message is recorded with the times that are given, and no others."""
    token = current.set(turn)
    try:
        yield
    finally:
        current.reset(token)


def begin(turn: Turn | None) -> None:
    """Make `turn` the current one of this task or thread, and of what it starts, until another one begins."""
    current.set(turn)
