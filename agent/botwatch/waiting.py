"""Who waits for an answer in this task or thread, so that a message out can say how long it took.

A context variable: it follows a handler through tasks and `to_thread`, and never leaks into another's.
Threads of one's own and of pools start without it, unless `carry` gives it to them.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, Protocol, TypeVar

    P = ParamSpec("P")
    Returned = TypeVar("Returned")

    class Waiting(Protocol):
        """An update in the hands of the bot, or a request."""

        def times_of_answer(self, user_id: str) -> tuple[int | None, int | None]:
            """`response_ms` and `wait_ms` of a message to this user, None for one that answers nobody."""


current: ContextVar[Waiting | None] = ContextVar("botwatch_waiting", default=None)


def times_of_answer(user_id: object) -> tuple[int | None, int | None]:
    """Handling time and wait of a message that leaves now. Never raises."""
    waiting = current.get()
    try:
        return (None, None) if waiting is None else waiting.times_of_answer(str(user_id))
    except Exception:  # a user id's own __str__ may raise anything
        return None, None


def carry(function: Callable[P, Returned]) -> Callable[P, Returned]:
    """The function for another thread, where it answers whoever is answered here.

    `pool.submit(carry(send), text)`
    """
    context = copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> Returned:
        # A context runs in one thread at a time, a pool's map in several.
        return context.copy().run(function, *args, **kwargs)

    return carried
