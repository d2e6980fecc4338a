"""Records a Telegram bot's updates and calls, whatever framework hands them over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import bot_api
from .guard import unharmed
from .messages import record_received, record_sent
from .turns import Turn

if TYPE_CHECKING:
    from botwatch import Agent


@dataclass(slots=True)
class TelegramWatch:
    """What every Telegram framework's hooks report to. Nothing here raises."""

    agent: Agent
    with_edits: bool = True
    """Whether an edited message of the bot counts as one more; off suits bots that stream by edits."""
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

    def update(self, update: Any) -> Turn:
        """Record an update as its handling starts; the turn to answer it in."""
        with unharmed("an update"):
            self.loop()
            self.agent.update_seen()
            message = bot_api.received(update)
            if message:
                return record_received(self.agent, message)
        return Turn()

    def call(self, endpoint: str, request: Any, answer: Any, turn: Turn | None) -> None:
        """Record what a successful call of the Bot API has sent."""
        with unharmed("a call of the bot"):
            for part, message in enumerate(bot_api.sent(endpoint, request, answer)):
                if self.with_edits or not message.is_edit:
                    # An album is one answer, however many parts it has.
                    record_sent(self.agent, message, turn, is_timed=part == 0)

    def webhook_answer(self, request: Any, turn: Turn) -> None:
        """Record a message sent as the response to a webhook, which no call of the Bot API shows."""
        with unharmed("the answer to a webhook"):
            record_sent(self.agent, bot_api.requested(request), turn)

    def loop(self) -> None:
        """Have the running event loop's lag watched; to be called inside of it, any number of times."""
        with unharmed("the event loop"):
            loop = asyncio.get_running_loop()
            if loop is not self._loop:
                self._loop = loop
                self.agent.watch_loop(loop)
