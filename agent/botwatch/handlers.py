"""Wraps a bot's handler so that each call is recorded as one exchange, and behaves as it did before.

What a handler returns is its reply when it is a string; of a generator, every string it yields is one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .arguments import field_reader
from .respond import Response

if TYPE_CHECKING:
    from .agent import Agent

Handler = Callable[..., Any]
Open = Callable[[tuple[Any, ...], dict[str, Any]], Response]


def wrap(handler: Handler, agent: Agent, options: Mapping[str, object]) -> Handler:
    """The handler of the same kind (function, coroutine, generator, asynchronous generator), recorded."""
    read_fields = field_reader(handler, options)

    def opened(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response:
        return Response(agent, **read_fields(args, kwargs))

    if inspect.isasyncgenfunction(handler):
        return wrap_async_generator(handler, opened)
    if inspect.isgeneratorfunction(handler):
        return wrap_generator(handler, opened)
    if is_coroutine_function(handler):
        return wrap_coroutine(handler, opened)
    return wrap_function(handler, opened)


def is_coroutine_function(handler: Handler) -> bool:
    """Also of partials, and of objects with an asynchronous `__call__`."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)


def reply_with(response: Response, value: object) -> None:
    if isinstance(value, str):
        response.reply(value)


def wrap_function(handler: Handler, opened: Open) -> Handler:
    @functools.wraps(handler)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        with opened(args, kwargs) as response:
            returned = handler(*args, **kwargs)
            reply_with(response, returned)
            return returned

    return recorded


def wrap_coroutine(handler: Handler, opened: Open) -> Handler:
    @functools.wraps(handler)
    async def recorded(*args: Any, **kwargs: Any) -> Any:
        with opened(args, kwargs) as response:
            returned = await handler(*args, **kwargs)
            reply_with(response, returned)
            return returned

    return recorded


class Step:
    """While a generator runs its response is the current one; while it is suspended the caller's is."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __enter__(self) -> None:
        self._response.enter()

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.leave()


def wrap_generator(handler: Handler, opened: Open) -> Handler:
    def forwarded(response: Response, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        resume: Callable[[], Any] = functools.partial(steps.send, None)
        while True:
            try:
                with Step(response):
                    item = resume()
            except StopIteration as stop:
                return stop.value
            reply_with(response, item)
            try:
                resume = functools.partial(steps.send, (yield item))
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as error:
                resume = functools.partial(steps.throw, error)

    @functools.wraps(handler)
    def recorded(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        response = opened(args, kwargs)
        response.begin()
        try:
            returned = yield from forwarded(response, handler(*args, **kwargs))
        except BaseException as error:
            response.end(ended_by(error))
            raise
        response.end(None)
        return returned

    return recorded


def wrap_async_generator(handler: Handler, opened: Open) -> Handler:
    @functools.wraps(handler)
    async def recorded(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        response = opened(args, kwargs)
        response.begin()
        steps: AsyncGenerator[Any, Any] = handler(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(steps.asend, None)
        try:
            while True:
                with Step(response):
                    item = await resume()
                reply_with(response, item)
                try:
                    resume = functools.partial(steps.asend, (yield item))
                except GeneratorExit:
                    await steps.aclose()
                    raise
                except BaseException as error:
                    resume = functools.partial(steps.athrow, error)
        except StopAsyncIteration:
            response.end(None)
        except BaseException as error:
            response.end(ended_by(error))
            raise

    return recorded


def ended_by(error: BaseException) -> BaseException | None:
    """A generator that its caller closes early has not failed."""
    return None if isinstance(error, GeneratorExit) else error
