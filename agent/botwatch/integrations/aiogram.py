"""aiogram: watches a `Dispatcher` by an outer middleware and its bots by a middleware of their session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import CancelHandler, SkipHandler
from aiogram.methods import TelegramMethod

from .guard import unharmed
from .telegram_watch import TelegramWatch
from .turns import Turn, begin, current_turn

if TYPE_CHECKING:
    from botwatch import Agent

# How long aiogram lets a handler answer inside the webhook's response, before it calls the API instead.
_WEBHOOK_ANSWER_WITHIN_MS = 55_000


def attach(dispatcher: Any, agent: Agent, *, bot: Bot | None = None, edits: bool = True) -> None:
    """Watch a `Dispatcher`, by polling or webhook; attaching it again changes nothing.

    `bot`: needed only when it sends before its first update; otherwise updates bring their bots along.
    `edits`: whether a message the bot edits counts as one more message.
    """
    if not isinstance(dispatcher, Dispatcher):
        raise TypeError("attach() takes an aiogram.Dispatcher; give the bot as attach(dispatcher, bot=bot)")
    watchers = (one for one in dispatcher.update.outer_middleware if isinstance(one, WatchUpdates))
    watching = next(watchers, None)
    if watching is None:
        watching = WatchUpdates(WatchCalls(TelegramWatch(agent, with_edits=edits)))
        dispatcher.update.outer_middleware(watching)
    if bot is not None:
        watching.calls.watch_bot(bot)


class WatchCalls:
    """A session middleware: sees every call of the Bot API that succeeded."""

    def __init__(self, watch: TelegramWatch) -> None:
        self.watch = watch

    async def __call__(
        self, make_request: Callable[..., Awaitable[Any]], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        answer = await make_request(bot, method)
        self.watch.call(method.__api_method__, method, answer, current_turn())
        return answer

    def watch_bot(self, bot: Bot) -> None:
        if not any(isinstance(one, WatchCalls) for one in bot.session.middleware):
            bot.session.middleware(self)


class WatchUpdates:
    """An outer middleware: opens a turn around the handling of every update."""

    def __init__(self, calls: WatchCalls) -> None:
        self.calls = calls

    async def __call__(
        self, handler: Callable[[Any, dict[str, Any]], Awaitable[Any]], event: Any, data: dict[str, Any]
    ) -> Any:
        with unharmed("a bot's session"):
            self.calls.watch_bot(data["bot"])
        turn = self.calls.watch.update(event)
        # Not taken back at the end: what the handler returns and what errors call for is sent after it.
        begin(turn)
        with self.calls.watch.agent.handling(turn.user_id, harmless=(CancelHandler, SkipHandler)):
            result = await handler(event, data)
        if isinstance(result, TelegramMethod) and _answers_webhook(turn):
            self.calls.watch.webhook_answer(result, turn)
        return result


def _answers_webhook(turn: Turn) -> bool:
    """Whether a method that the handler returned leaves in the webhook's response, unseen by the session."""
    task = asyncio.current_task()
    coroutine = getattr(task and task.get_coro(), "__qualname__", "")
    return coroutine == "Dispatcher._feed_webhook_update" and turn.response_ms() < _WEBHOOK_ANSWER_WITHIN_MS
