"""What the hooks of a chat framework report to, whatever the platform; none of it raises into the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .guard import unharmed
from .messages import Received, Sent, record_received, record_sent
from .turns import Turn, current_turn

if TYPE_CHECKING:
    from botwatch import Agent


class ChatWatch:
    """Takes the platform's own data along with the function that reads it, so that reading is guarded too."""

    def __init__(self, agent: Agent, *, with_edits: bool = True) -> None:
        self.agent = agent
        self.with_edits = with_edits

    def received(self, read: Callable[..., Received | None], *data: Any) -> Turn:
        """Record an update as its handling starts; the turn to answer it in."""
        with unharmed("an update"):
            self.loop()
            self.agent.update_seen()
            message = read(*data)
            if message:
                return record_received(self.agent, message)
        return Turn()

    def sent(self, read: Callable[..., Iterable[Sent]], *data: Any, turn: Turn | None = None) -> None:
        """Record what the platform has accepted from the bot, in a turn or else the current one."""
        with unharmed("a reply"):
            for message in read(*data):
                if self.with_edits or not message.is_edit:
                    record_sent(self.agent, message, turn or current_turn())

    def failed(self, error: BaseException | None, *, turn: Turn | None = None) -> None:
        """Record what a handler let out."""
        with unharmed("an error"):
            turn = turn or current_turn() or Turn()
            if error is not None:
                self.agent.handler_failed(error, user_id=turn.user_id, duration_ms=turn.response_ms())

    def loop(self) -> None:
        """Have the running event loop's lag watched, if there is one."""
        loop = asyncio._get_running_loop()
        if loop is not None:
            self.agent.watch_loop(loop)
