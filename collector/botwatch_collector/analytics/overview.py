"""The figures of a window beside those of the window before it."""

from collections.abc import Sequence

import msgspec

from .counts import Counts, counts
from .people import users
from .remembered import remembered
from .times import Times, response_times
from .window import Window


class Messages(msgspec.Struct, frozen=True):
    """Messages in and out."""

    total: int
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")
    previous_total: int


class Users(msgspec.Struct, frozen=True):
    """People who sent a message."""

    unique: int
    previous_unique: int


class Overview(msgspec.Struct, frozen=True):
    """`previous_...` is the window of the same length that ends where this one starts."""

    messages: Messages
    users: Users
    response_ms: Times


def overview(bots: Sequence[int], window: Window) -> Overview:
    """The window in three looks: messages, users, response times."""
    now, before = counts(bots, window), counts(bots, window.previous())
    return Overview(
        Messages(now.total, now.messages_in, now.messages_out, before.total),
        Users(_people(bots, window, now), _people(bots, window.previous(), before)),
        response_times(bots, window, now, before),
    )


def _people(bots: Sequence[int], window: Window, counts: Counts) -> int:
    return remembered("users", bots, window, counts, lambda: users(bots, window))
