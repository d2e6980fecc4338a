"""Percentiles of the times of any window, within 1 %."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from peewee import fn

from .. import clock
from ..models import Message, ResponseDay, ResponseEver, ResponseHour, ResponseMinute, ResponseTimes
from ..rollups import histogram
from .counts import Counts, extent
from .sql import select, stacked
from .window import DAY, HOUR, LATEST, MINUTE, Part, Unit, Window

_TABLES: dict[Unit, type[ResponseTimes]] = {MINUTE: ResponseMinute, HOUR: ResponseHour, DAY: ResponseDay}
# From here on what lies outside of the window may be less to add up than what lies in it.
_LONG = 100 * clock.DAY
_MEASURES = {histogram.RESPONSE: Message.response_ms, histogram.WAIT: Message.wait_ms}


class Times(msgspec.Struct, frozen=True):
    """Times in milliseconds: count and averages exact, percentiles by nearest rank within 1 %.

    All but the count are null where nothing was timed. A time of 0 is a time.
    """

    count: int
    avg: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    previous_avg: float | None


def response_times(bots: Sequence[int], window: Window, counts: Counts, previous: Counts) -> Times:
    """How long the bot took, given the counts of the window and of the one to compare with."""
    p50, p95, p99 = percentiles(bots, window, histogram.RESPONSE)
    return Times(counts.response_count, counts.response_avg_ms, p50, p95, p99, previous.response_avg_ms)


def wait_times(bots: Sequence[int], window: Window, counts: Counts, previous: Counts) -> Times:
    """How long users waited."""
    p50, p95, p99 = percentiles(bots, window, histogram.WAIT)
    return Times(counts.wait_count, counts.wait_avg_ms, p50, p95, p99, previous.wait_avg_ms)


def percentiles(
    bots: Sequence[int], window: Window, measure: int, ranks: Sequence[float] = (50, 95, 99)
) -> list[float | None]:
    """One for each rank; None where nothing was timed."""
    return histogram.percentiles(_times(bots, window, measure) if bots else {}, ranks)


def _times(bots: Sequence[int], window: Window, measure: int) -> Counter[int]:
    """How many fell into each bucket of the histogram."""
    around = extent(bots, Window(0, LATEST)) if window.length >= _LONG else None
    if around:
        outside = [Window(around.start, window.start), Window(window.end, around.end)]
        outside = [one for one in outside if one.length > 0]
        if 2 * sum(one.length for one in outside) < around.length:
            return _ever(bots, measure) - sum((_inside(bots, one, measure) for one in outside), Counter())
    return _inside(bots, window, measure)


def _ever(bots: Sequence[int], measure: int) -> Counter[int]:
    table = ResponseEver
    query: Any = table.select(table.bucket, table.times)
    times: Counter[int] = Counter()
    for bucket, count in query.where(table.bot_id.in_(bots), table.measure == measure).tuples():
        times[bucket] += count
    return times


def _inside(bots: Sequence[int], window: Window, measure: int) -> Counter[int]:
    parts = window.parts((DAY, HOUR, MINUTE))
    times = Counter(_bucketed(bots, [part for part in parts if part.unit], measure))
    for part in parts:
        if part.unit is None:
            times.update(_raw(bots, part, measure))
    return times


def _bucketed(bots: Sequence[int], parts: Sequence[Part], measure: int) -> dict[int, int]:
    if not parts:
        return {}
    rows = stacked([_histogram(bots, part, measure) for part in parts])
    return dict(select(rows, rows.c.bucket, fn.SUM(rows.c.times).cast("BIGINT")).group_by(rows.c.bucket))


def _histogram(bots: Sequence[int], part: Part, measure: int) -> Any:
    assert part.unit is not None
    table = _TABLES[part.unit]
    return table.select(table.bucket, table.times).where(
        table.bot_id.in_(bots), table.at >= part.start, table.at < part.end, table.measure == measure
    )


def _raw(bots: Sequence[int], part: Part, measure: int) -> Counter[int]:
    value = _MEASURES[measure]
    query: Any = Message.select(value).where(
        Message.bot_id.in_(bots),
        Message.occurred_at >= part.start,
        Message.occurred_at < part.end,
        Message.direction == "out",
        value.is_null(False),
    )
    return Counter(histogram.bucket_of(row[0]) for row in query.tuples())
