"""The threads of a worker that bots share: none may take them all, and make the others wait."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from ..errors import Unavailable
from ..ingest.shares import Shares


@contextmanager
def seat(bot_id: int) -> Iterator[None]:
    """A thread for something that this bot sends; raises Unavailable when it has too many of them."""
    seats: Shares = current_app.extensions["botwatch.seats"]
    if not seats.take(bot_id):
        raise Unavailable("too much of this bot is on its way", retry_after_s=1)
    try:
        yield
    finally:
        seats.give_back(bot_id)
