"""Records one exchange: the user's message on entry, each reply with the time it took."""

from __future__ import annotations

from contextvars import ContextVar, Token
from time import monotonic

from .encode import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Any, TypeVar

    from .agent import Agent

    Handler = TypeVar("Handler", bound=Callable[..., Any])

_current: ContextVar[Response | None] = ContextVar("botwatch_response", default=None)


def current_response() -> Response | None:
    """The response this code runs in, or None: lets an integration give a send its times."""
    return _current.get()


class Response:
    """The handling of one incoming message: a context manager, sync and async, that changes no outcome."""

    def __init__(
        self,
        agent: Agent,
        *,
        user_id: object = None,
        text: object = None,
        user_name: object = None,
        channel: object = None,
        sent_at: int | datetime | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        self.outcome: str | None = None
        """Once it is over: "success", or the name of the type of exception that passed through."""
        self.replies = 0
        self._agent = agent
        self._user_id = user_id
        self._text = text
        self._user_name = user_name
        self._channel = channel
        self._sent_at_ms = unix_ms(sent_at)
        self._attributes = attributes
        self._started_s = monotonic()
        self._token: Token[Response | None] | None = None

    def begin(self) -> None:
        """Record the incoming message; the handling time counts from here."""
        self._started_s = monotonic()
        self._agent.message(
            user_id=self._user_id,
            text=self._text,
            user_name=self._user_name,
            channel=self._channel,
            attributes=self._attributes,
        )

    def end(self, error: BaseException | None) -> None:
        """Only the type's name is kept: a kept exception would keep every frame it went through."""
        self.outcome = "success" if error is None else type(error).__name__
        if error is not None:
            self._agent.handler_failed(error, user_id=self._user_id, duration_ms=self.elapsed_ms())

    def elapsed_ms(self) -> int:
        """Handling time so far."""
        return round((monotonic() - self._started_s) * 1000)

    def wait_ms(self) -> int | None:
        """How long the user has waited, by the message's own time; None when that is not known."""
        return None if self._sent_at_ms is None else max(0, now_ms() - self._sent_at_ms)

    def reply(
        self,
        text: object,
        *,
        user_id: object = None,
        user_name: object = None,
        channel: object = None,
        id: str | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        """Record an answer with its times. It goes to the user who wrote unless another is named."""
        self.replies += 1
        if user_id is None:
            user_id, user_name = self._user_id, user_name or self._user_name
        self._agent.message(
            user_id=user_id,
            text=text,
            direction="out",
            response_ms=self.elapsed_ms(),
            wait_ms=self.wait_ms(),
            user_name=user_name,
            channel=self._channel if channel is None else channel,
            id=id,
            attributes=attributes,
        )

    def enter(self) -> None:
        """Make this the current response until `leave`."""
        self._token = _current.set(self)
        self._agent.watched.begin(self)

    def leave(self) -> None:
        self._agent.watched.end(self)
        token, self._token = self._token, None
        if token is not None:
            try:
                _current.reset(token)
            except ValueError:  # closed in another context, by a garbage collector say: nothing to restore
                return

    def __enter__(self) -> Response:
        self.begin()
        self.enter()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self.end(error)

    async def __aenter__(self) -> Response:
        return self.__enter__()

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(error_type, error, trace)


class Respond(Response):
    """What `respond()` gives: in a `with` it is the response, called with a handler it decorates it."""

    def __init__(self, agent: Agent, **options: Any) -> None:
        super().__init__(agent, **options)
        self._options = options

    def __call__(self, handler: Handler) -> Handler:
        return decorate(handler, self._agent, self._options)


def decorate(handler: Handler, agent: Agent, options: Mapping[str, object]) -> Handler:
    from .handlers import wrap  # inspect and functools cost start-up time

    return wrap(handler, agent, options)  # type: ignore[return-value]


def unix_ms(moment: int | datetime | None) -> int | None:
    """Unix milliseconds of what is a time, None of anything else."""
    try:
        stamp = getattr(moment, "timestamp", None)
        return int(moment) if stamp is None else int(stamp() * 1000)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None
