"""Databases that a test opens by itself, beside that of a fixture or instead of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from botwatch_collector import db


@contextmanager
def using(url: str) -> Iterator[None]:
    """The models bound to it, with a connection open in this thread."""
    opened = db.connect(url)
    with db.connected():
        yield
    opened.close_all()
