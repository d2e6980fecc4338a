"""Readings of who is there: numbers alone, and nobody who hides."""

from collections.abc import Mapping

from .. import presence
from ..config import Timeouts
from .readings import Readings

STATUSES: tuple[presence.Status, ...] = ("online", "away", "busy", "dnd")


def read(bots: Mapping[int, str], now: int, timeouts: Timeouts) -> Readings:
    """`bots` are names by id."""
    counts = presence.counts(list(bots), now, timeouts)
    return {
        "botwatch_presence_users": [
            ((name, status), float(counts.get((bot, status), 0)))
            for bot, name in bots.items()
            for status in STATUSES
        ]
    }
