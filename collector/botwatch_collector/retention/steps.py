"""What the ways of removing rows have in common."""

from dataclasses import dataclass
from typing import Any

from .. import db, models
from ..clock import HOUR


@dataclass(frozen=True)
class Progress:
    """One step: of which rule, how many rows left, and how long others could not write."""

    rule: str
    rows: int
    held_s: float


def note_hours(chosen: Any) -> None:
    """Before the messages leave: their rollups can't be counted again."""
    message, pruned = models.Message, models.PrunedHour
    hours = message.select(message.bot_id, db.start_of(message.occurred_at, HOUR))
    rows: Any = hours.where(chosen).distinct().tuples()
    db.insert_rows(pruned, ("bot_id", "at"), [*rows], "ON CONFLICT (bot_id, at) DO NOTHING")
