"""The live stream: every stored message to every reader who may see it, each once and in order.

A reader asks for a `Subscription`, an iterator of bytes. How those bytes come about is hidden behind it.
"""

import os
from collections.abc import Callable, Sequence

from ..errors import InvalidParameter
from .client import Client
from .frames import StoredMessage, message_data
from .reading import EVERYTHING, Filters, latest_id, messages_after
from .reading import latest as _latest
from .subscription import Scope, Subscription
from .tailer import Tailer

__all__ = [
    "EVERYTHING",
    "Client",
    "Filters",
    "StoredMessage",
    "Subscription",
    "Tailer",
    "close_when",
    "cursor_of",
    "latest",
    "latest_id",
    "message_data",
    "messages_after",
    "readers",
    "subscribe",
    "wake",
]

_ID_DIGITS = 18

_tailer = Tailer()
os.register_at_fork(after_in_child=_tailer.start_over)


def subscribe(
    ask: Callable[[], Sequence[int]],
    filters: Filters = EVERYTHING,
    cursor: int | None = None,
    *,
    client: Client | None = None,
    most: int,
    tailer: Tailer = _tailer,
) -> Subscription:
    """A stream of the messages above `cursor`, or of new ones. Needs a connection now, but none later.

    `ask` answers which bots the reader may see, and raises once it may see none. A cursor that is ahead of
    the database is one of a database that was since restored to an earlier state: it counts as "new ones".
    Raises Unavailable when this process holds `most` streams already.
    """
    scope = Scope(ask)
    last_id = latest_id()
    tailer.attach(most)
    start = last_id if cursor is None else min(cursor, last_id)
    return Subscription(tailer, scope, filters, start, client or Client())


def cursor_of(text: str | None) -> int | None:
    """The id that a reader has last seen, as it came in a header or parameter. Raises InvalidParameter."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS):
        raise InvalidParameter(
            f"Last-Event-ID: expected the number of an event, got {text[:40]!r}", at="last_event_id"
        )
    return int(text)


def latest(bots: Sequence[int], limit: int = 50) -> list[dict[str, object]]:
    """The messages with the latest times, newest first, each as a frame tells it."""
    return [message_data(message) for message in _latest(bots, limit)]


def readers() -> int:
    """How many streams this process holds."""
    return _tailer.readers


def wake() -> None:
    """Something was committed here: tell the readers at once instead of at the next look."""
    _tailer.wake()


def close_when(condition: Callable[[], bool]) -> None:
    """End all streams within a second of `condition` becoming true, which is asked several times a second.

    One that is opened later ends after its opening: a browser comes back after that, but not after an error.
    """
    _tailer.close_when(condition)
