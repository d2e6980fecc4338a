"""The live stream: every stored event to every reader who may see it, each once and in order.

A reader asks for a `Subscription`, an iterator of bytes. How those bytes come about is hidden behind it.
"""

import os
from collections.abc import Callable, Collection, Sequence

from ..errors import InvalidParameter
from .channels import NAMES, named
from .client import Client
from .events import StoredMessage, message_data
from .filters import Filters
from .frames import Frame
from .hub import Hub
from .reading import EVERYTHING, events_after, latest_id
from .reading import latest as _latest
from .seats import Seat, Seats
from .states import Board
from .subscription import Scope, Subscription
from .tailer import Tailer

__all__ = [
    "EVERYTHING",
    "NAMES",
    "Board",
    "Client",
    "Filters",
    "Frame",
    "Hub",
    "Seat",
    "Seats",
    "StoredMessage",
    "Subscription",
    "Tailer",
    "close_when",
    "cursor_of",
    "events_after",
    "latest",
    "latest_id",
    "message_data",
    "named",
    "readers",
    "slow_readers",
    "start_of",
    "subscribe",
    "wake",
]

_ID_DIGITS = 18

_hub = Hub()
os.register_at_fork(after_in_child=_hub.start_over)


def subscribe(
    ask: Callable[[], Collection[int | None]],
    filters: Filters,
    cursor: int | None,
    seat: Seat,
    *,
    client: Client | None = None,
    hub: Hub = _hub,
) -> Subscription:
    """A stream of the events above `cursor`, or of new ones, and of the present states. Needs a connection
    now, but none later.

    `ask` answers which bots the reader may see, with None for the collector itself, and raises once it may
    see none. A cursor that is ahead of the database is one of a database that was since restored to an
    earlier state: it counts as "new ones". Raises Unavailable or TooManyRequests when the seats are taken.
    """
    scope = Scope(ask)
    start = start_of(cursor)
    place = hub.let_in(seat, filters.channels)
    return Subscription(place, scope, filters, start, client or Client())


def start_of(cursor: int | None) -> int:
    """Where a stream begins: at the cursor, and without one, or with one from another time, at the end."""
    last_id = latest_id()
    return last_id if cursor is None else min(cursor, last_id)


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
    return _hub.readers


def slow_readers() -> int:
    """How many of them can't keep up at present."""
    return _hub.slow_readers


def wake() -> None:
    """Something was committed here: tell the readers at once instead of at the next look."""
    _hub.tailer.wake()


def close_when(condition: Callable[[], bool]) -> None:
    """End all streams within a second of `condition` becoming true, which is asked several times a second.

    One that is opened later ends after its opening: a browser comes back after that, but not after an error.
    """
    _hub.tailer.close_when(condition)
