"""Keeps our own mistakes away from the bot: whatever goes wrong while watching is logged once, not raised."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger("botwatch")
_told: set[str] = set()


@contextmanager
def unharmed(place: str) -> Iterator[None]:
    """Run the body; an error in it ends the body only. Says so once per place, without the payload."""
    try:
        yield
    except Exception as error:  # the bot must not notice
        if place not in _told:
            _told.add(place)
            _log.warning("botwatch could not watch %s: %s", place, type(error).__name__, exc_info=error)
