"""Messages in pages, newest first."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..analytics.window import Window
from ..models import Bot
from .filters import Filters
from .place import Place
from .row import MessageRow, told
from .walk import NEWER, OLDER, Row, Walk, place_of


class Messages(msgspec.Struct, frozen=True):
    """Newest first. `older` goes into `before` for the page after, `newer` into `after`; null: none there."""

    messages: list[MessageRow]
    older: str | None
    newer: str | None


def page(
    bots: Sequence[int],
    window: Window,
    filters: Filters,
    limit: int,
    *,
    before: Place | None = None,
    after: Place | None = None,
) -> Messages:
    """At most `limit` messages of the window: the newest, or those next to a place, on its older side
    (`before`) or its newer one (`after`; `before` doesn't count then).
    """
    walk = Walk(bots, window, filters)
    if after:
        rows = walk.rows(after, NEWER, limit + 1)
        has_more = len(rows) > limit
        return _told(rows[:limit][::-1], Place(after.at, after.id + 1), is_older=True, is_newer=has_more)
    rows = walk.rows(before or Place(window.end, 0), OLDER, limit + 1)
    asked_from = Place(before.at, max(before.id - 1, 0)) if before else None
    return _told(rows[:limit], asked_from, is_older=len(rows) > limit, is_newer=before is not None)


def tell(rows: Sequence[Row]) -> list[MessageRow]:
    """With the names of the bots."""
    bots: Any = Bot.select(Bot.id, Bot.name).where(Bot.id.in_({row[0] for row in rows})).tuples()
    names: dict[int, str] = dict(bots)
    return [told(names[bot], *row) for bot, *row in rows]


def _told(rows: list[Row], asked_from: Place | None, *, is_older: bool, is_newer: bool) -> Messages:
    """An empty page leads back to where it was asked from."""
    first, last = (place_of(rows[0]), place_of(rows[-1])) if rows else (asked_from, asked_from)
    return Messages(tell(rows), str(last) if is_older else None, str(first) if is_newer else None)
