"""How many messages there were, and the sums of their times: in all, or by bucket."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import peewee
from peewee import fn

from .. import db
from ..models import MessageCounts, MessageDay, MessageHour, MessageMinute, MessageQuarterHour
from .sql import Written, select
from .window import DAY, HOUR, MINUTE, QUARTER_HOUR, Part, Unit, Window

_TABLES: dict[Unit, type[MessageCounts]] = {
    DAY: MessageDay,
    HOUR: MessageHour,
    QUARTER_HOUR: MessageQuarterHour,
    MINUTE: MessageMinute,
}
UNITS = tuple(_TABLES)
"""The rollups of messages, longest first."""


class Counts(msgspec.Struct, frozen=True):
    """Sums over some messages. Times are those of messages out that have one."""

    messages_in: int = 0
    messages_out: int = 0
    response_count: int = 0
    response_sum_ms: int = 0
    wait_count: int = 0
    wait_sum_ms: int = 0

    @property
    def total(self) -> int:
        return self.messages_in + self.messages_out

    @property
    def response_avg_ms(self) -> float | None:
        return _average(self.response_sum_ms, self.response_count)

    @property
    def wait_avg_ms(self) -> float | None:
        return _average(self.wait_sum_ms, self.wait_count)


_NAMES = Counts.__struct_fields__
# A sum of bigints is numeric on PostgreSQL.
_SUMS = peewee.SQL(", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}" for name in _NAMES))

# Written out as text: see `Written`.
_BUCKETED = """
SELECT at, {names} FROM {table}
WHERE bot_id IN ({bots}) AND at >= {mark} AND at < {mark}"""
_RAW = """
SELECT occurred_at AS at,
    CASE WHEN direction = 'in' THEN 1 ELSE 0 END AS messages_in,
    CASE WHEN direction = 'out' THEN 1 ELSE 0 END AS messages_out,
    CASE WHEN direction = 'out' AND response_ms IS NOT NULL THEN 1 ELSE 0 END AS response_count,
    CASE WHEN direction = 'out' THEN COALESCE(response_ms, 0) ELSE 0 END AS response_sum_ms,
    CASE WHEN direction = 'out' AND wait_ms IS NOT NULL THEN 1 ELSE 0 END AS wait_count,
    CASE WHEN direction = 'out' THEN COALESCE(wait_ms, 0) ELSE 0 END AS wait_sum_ms
FROM message
WHERE bot_id IN ({bots}) AND occurred_at >= {mark} AND occurred_at < {mark}"""


def counts(bots: Sequence[int], window: Window) -> Counts:
    """The whole window, exactly."""
    rows = _rows(bots, window.parts(UNITS))
    if rows is None:
        return Counts()
    return Counts(*select(rows, _SUMS).get())


def counts_by(
    bots: Sequence[int], window: Window, grid: Sequence[Unit], key_sql: Callable[[Any], Any]
) -> dict[int, Counts]:
    """The window by a key of time; keys without messages are left out.

    `grid` are the units of rollup whose buckets have one key each.
    """
    rows = _rows(bots, window.parts(grid))
    if rows is None:
        return {}
    query = select(rows, key_sql(rows.c.at).alias("key"), _SUMS).group_by(peewee.SQL("key"))
    return {key: Counts(*sums) for key, *sums in query}


def extent(bots: Sequence[int], window: Window) -> Window | None:
    """The window cut down to the days that have messages; None if there are none."""
    days: Any = MessageDay.select(fn.MIN(MessageDay.at), fn.MAX(MessageDay.at))
    first, last = days.where(MessageDay.bot_id.in_(bots)).tuples().get()
    if first is None:
        return None
    cut = Window(max(window.start, first), min(window.end, last + DAY.longest_ms))
    return cut if cut.start < cut.end else None


def filled(bots: Sequence[int], window: Window, unit: Unit, most: int) -> int:
    """How many buckets of a rollup have messages; counts no further than `most` + 1."""
    table = _TABLES[unit]
    starts = (
        table.select(table.at)
        .where(table.bot_id.in_(bots), table.at >= unit.floor(window.start), table.at < window.end)
        .distinct()
        .limit(most + 1)
        .alias("starts")
    )
    return int(select(starts, fn.COUNT(peewee.SQL("*"))).scalar())


def _rows(bots: Sequence[int], parts: Sequence[Part]) -> Any:
    """What to add up, as a table with `at` and the columns of Counts; None if there can't be any."""
    if not bots or not parts:
        return None
    texts = (_text(part, len(bots)) for part in parts)
    return Written(
        " UNION ALL ".join(texts), [one for part in parts for one in (*bots, part.start, part.end)]
    )


def _text(part: Part, bots: int) -> str:
    mark = db.database.param
    marks = ", ".join([mark] * bots)
    if part.unit is None:
        return _RAW.format(bots=marks, mark=mark)
    table = _TABLES[part.unit]._meta.table_name
    return _BUCKETED.format(names=", ".join(_NAMES), table=table, bots=marks, mark=mark)


def _average(total: int, count: int) -> float | None:
    return round(total / count, 3) if count else None
