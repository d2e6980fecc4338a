"""What bots did, newest first, in pages."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from ..clock import iso
from ..models import Activity, Bot, Instance
from .cursors import Moment, PageCursor
from .window import Window

FILTERS = ("category", "severity", "status", "action", "user", "entity_type", "entity")
_SHORT = {"user": "user_id", "entity": "entity_id"}


class ActivityRow(msgspec.Struct, frozen=True):
    """An activity; `received_at` is the collector's clock. An uncaught error is of category "error"."""

    id: int
    timestamp: str
    received_at: str
    bot: str
    instance: str | None
    action: str
    category: str
    severity: str
    status: str
    entity_type: str | None
    entity_id: str | None
    user_id: str | None
    duration_ms: int | None
    details: dict[str, Any] | None


class Activities(msgspec.Struct, frozen=True):
    """Newest first. `next` asks for the page after; null: none."""

    activities: list[ActivityRow]
    next: str | None


class Cursor(PageCursor, frozen=True, array_like=True):
    """The last row of a page."""

    at: Moment
    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def activities(
    bots: Sequence[int], window: Window, wanted: Mapping[str, str], limit: int, after: Cursor | None = None
) -> Activities:
    """A page of at most `limit`; `wanted` are values by the names of FILTERS. Costs a query for each bot."""
    rows = [row for bot in bots for row in _newest(bot, window, wanted, limit + 1, after)]
    rows.sort(key=lambda row: (row[1], row[0]), reverse=True)
    page = [_told(*row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Activities(page, None)
    last_id, last_at, *_ = rows[limit - 1]
    return Activities(page, Cursor(window.start, window.end, last_at, last_id).text())


def _newest(
    bot: int, window: Window, wanted: Mapping[str, str], limit: int, after: Cursor | None
) -> list[Any]:
    instance = (Instance.bot_id == Activity.bot_id) & (Instance.id == Activity.instance_id)
    query: Any = (
        Activity.select(
            Activity.id,
            Activity.occurred_at,
            Activity.received_at,
            Bot.name,
            Instance.name,
            *(getattr(Activity, name) for name in ActivityRow.__struct_fields__[5:]),
        )
        .join(Bot, on=(Bot.id == Activity.bot_id))
        .left_outer_join(Instance, on=instance)
        .where(
            Activity.bot_id == bot,
            Activity.occurred_at >= window.start,
            Activity.occurred_at < window.end,
            *(getattr(Activity, _SHORT.get(name, name)) == value for name, value in wanted.items()),
        )
    )
    if after:
        query = query.where(
            Activity.occurred_at <= after.at, (Activity.occurred_at < after.at) | (Activity.id < after.id)
        )
    return list(query.order_by(Activity.occurred_at.desc(), Activity.id.desc()).limit(limit).tuples())


def _told(number: int, at: int, received_at: int, *rest: Any) -> ActivityRow:
    return ActivityRow(number, iso(at), iso(received_at), *rest)
