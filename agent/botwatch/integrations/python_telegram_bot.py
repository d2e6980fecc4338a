"""python-telegram-bot: watches an `Application` by handlers of its own and its bot's rate limiter.

All are the framework's extension points. One handler stands before all others, looks at every update and
claims none, so that updates from polling, from the webhook and from `process_update` itself are seen alike;
another hears of errors. A rate limiter already chosen stays in charge: ours passes everything on to it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from telegram.ext import Application, BaseHandler, BaseRateLimiter, CallbackContext, ExtBot

from .guard import unharmed
from .telegram_watch import TelegramWatch
from .turns import begin, current_turn

if TYPE_CHECKING:
    from botwatch import Agent

Answer = bool | dict[str, Any] | list[dict[str, Any]]


def attach(application: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch a built `Application`, by polling or webhook; attaching it again changes nothing.

    `edits`: whether a message the bot edits counts as one more message.
    """
    if not isinstance(application, Application) or not isinstance(application.bot, ExtBot):
        raise TypeError("attach() takes a telegram.ext.Application as ApplicationBuilder.build() returns it")
    if isinstance(application.bot.rate_limiter, WatchCalls):
        return
    watch = TelegramWatch(agent, with_edits=edits)
    application.add_handler(WatchUpdates(watch), group=-sys.maxsize)
    _add_first(application, watch)
    # Only the builder takes a limiter publicly, and this application is built.
    application.bot._rate_limiter = WatchCalls(application.bot.rate_limiter, watch)


def _add_first(application: Any, watch: TelegramWatch) -> None:
    """Before the bot's own error handlers, of which each may keep an error from the next."""

    async def tell(update: object, context: Any) -> None:
        with unharmed("an error"):
            turn = current_turn() if update is not None else None
            watch.agent.handler_failed(context.error, user_id=turn and turn.user_id)
        if len(application.error_handlers) == 1:
            # What the framework says where there is no error handler, but ours.
            log = logging.getLogger("telegram.ext.Application")
            log.error("No error handlers are registered, logging exception.", exc_info=context.error)

    others = dict(application.error_handlers)
    application.error_handlers.clear()
    application.add_error_handler(tell)
    application.error_handlers.update(others)


class WatchUpdates(BaseHandler[object, CallbackContext[Any, Any, Any, Any], None]):
    """Begins a turn with every update, and lets it pass."""

    def __init__(self, watch: TelegramWatch) -> None:
        super().__init__(_never_called)
        self._watch = watch

    def check_update(self, update: object) -> None:
        begin(self._watch.update(update))


class WatchCalls(BaseRateLimiter[Any]):
    """Sees every call of the Bot API that succeeded, once, however often a limiter inside has tried it."""

    def __init__(self, inner: BaseRateLimiter[Any] | None, watch: TelegramWatch) -> None:
        self._inner = inner
        self._watch = watch

    async def initialize(self) -> None:
        self._watch.loop()
        if self._inner:
            await self._inner.initialize()

    async def shutdown(self) -> None:
        if self._inner:
            await self._inner.shutdown()

    async def process_request(  # noqa: PLR0917  (the framework's signature)
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Any,
    ) -> Answer:
        if self._inner:
            answer = await self._inner.process_request(
                callback, args, kwargs, endpoint, data, rate_limit_args
            )
        elif rate_limit_args is not None:
            # What ExtBot says itself without a limiter; it can't, now that it has ours.
            raise ValueError("`rate_limit_args` can only be used if a `ExtBot.rate_limiter` is set.")
        else:
            answer = await callback(*args, **kwargs)
        # A job that a handler starts inherits its turn, but a reminder is no answer.
        self._watch.call(endpoint, data, answer, None if _in_job() else current_turn())
        return answer


async def _never_called(_update: object, _context: CallbackContext[Any, Any, Any, Any]) -> None:
    """A handler must have a callback; ours never claims an update."""


def _in_job() -> bool:
    task = asyncio.current_task()
    return getattr(task and task.get_coro(), "__qualname__", "") == "Job._run"
