"""How many messages there were, and the sums of their times: in all, or by bucket."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import peewee
from peewee import fn

from ..models import Message, MessageCounts, MessageDay, MessageHour, MessageMinute, MessageQuarterHour
from .sql import select, stacked
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


_SUMS = Counts.__struct_fields__


def counts(bots: Sequence[int], window: Window) -> Counts:
    """The whole window, exactly."""
    rows = _rows(bots, window.parts(UNITS))
    if rows is None:
        return Counts()
    return Counts(*select(rows, *_sums(rows)).get())


def counts_by(
    bots: Sequence[int], window: Window, grid: Sequence[Unit], key_sql: Callable[[Any], Any]
) -> dict[int, Counts]:
    """The window by a key of time; keys without messages are left out.

    `grid` are the units of rollup whose buckets have one key each.
    """
    rows = _rows(bots, window.parts(grid))
    if rows is None:
        return {}
    query = select(rows, key_sql(rows.c.at).alias("key"), *_sums(rows)).group_by(peewee.SQL("key"))
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
    queries = [_raw(bots, part) if part.unit is None else _bucketed(bots, part) for part in parts]
    return stacked(queries)


def _bucketed(bots: Sequence[int], part: Part) -> Any:
    assert part.unit is not None
    table = _TABLES[part.unit]
    return table.select(table.at, *(getattr(table, name) for name in _SUMS)).where(
        table.bot_id.in_(bots), table.at >= part.start, table.at < part.end
    )


def _raw(bots: Sequence[int], part: Part) -> Any:
    is_in, is_out = Message.direction == "in", Message.direction == "out"
    took, waited = Message.response_ms, Message.wait_ms
    return Message.select(
        Message.occurred_at.alias("at"),
        _one_if(is_in).alias("messages_in"),
        _one_if(is_out).alias("messages_out"),
        _one_if(is_out & took.is_null(False)).alias("response_count"),
        peewee.Case(None, [(is_out & took.is_null(False), took)], 0).alias("response_sum_ms"),
        _one_if(is_out & waited.is_null(False)).alias("wait_count"),
        peewee.Case(None, [(is_out & waited.is_null(False), waited)], 0).alias("wait_sum_ms"),
    ).where(Message.bot_id.in_(bots), Message.occurred_at >= part.start, Message.occurred_at < part.end)


def _one_if(condition: Any) -> Any:
    return peewee.Case(None, [(condition, 1)], 0)


def _sums(rows: Any) -> list[Any]:
    # A sum of bigints is numeric on PostgreSQL.
    return [fn.COALESCE(fn.SUM(getattr(rows.c, name)), 0).cast("BIGINT").alias(name) for name in _SUMS]


def _average(total: int, count: int) -> float | None:
    return round(total / count, 3) if count else None
