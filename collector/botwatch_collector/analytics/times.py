"""Percentiles of the times of any window, within 1 %."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from ..models import HistogramDay, HistogramHour, HistogramMinute, HistogramMonth, Histograms, Message
from ..rollups import histogram
from .counts import Counts, extent
from .sql import number, select, stacked
from .window import DAY, FOREVER, HOUR, MINUTE, MONTH, Part, Unit, Window

_TABLES: dict[Unit, type[Histograms]] = {
    MONTH: HistogramMonth,
    DAY: HistogramDay,
    HOUR: HistogramHour,
    MINUTE: HistogramMinute,
}


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
    bots: Sequence[int], window: Window, measure: str, ranks: Sequence[float] = (50, 95, 99)
) -> list[float | None]:
    """One for each rank; None where nothing was timed."""
    return histogram.percentiles(_times(bots, window, measure) if bots else {}, ranks)


def _times(bots: Sequence[int], window: Window, measure: str) -> Counter[int]:
    """How many fell into each bucket of the histogram."""
    known = extent(bots, Window(0, FOREVER))
    parts = window.sums(tuple(_TABLES), known) if known else []
    times = _bucketed(bots, [part for part in parts if part.unit], measure)
    for part in parts:
        if part.unit is None:
            (times.update if part.sign > 0 else times.subtract)(_raw(bots, part, measure))
    return times


def _bucketed(bots: Sequence[int], parts: Sequence[Part], measure: str) -> Counter[int]:
    """What the rollups have of all the parts, asked at once."""
    times: Counter[int] = Counter()
    if parts:
        rows = stacked([_histograms(bots, part, measure) for part in parts])
        texts: dict[int, list[str]] = {1: [], -1: []}
        for sign, text in select(rows, rows.c.sign, rows.c.text):
            texts[sign].append(text)
        times.update(histogram.unpacked("".join(texts[1])))
        times.subtract(histogram.unpacked("".join(texts[-1])))
    return times


def _histograms(bots: Sequence[int], part: Part, measure: str) -> Any:
    assert part.unit is not None
    table = _TABLES[part.unit]
    return table.select(number(part.sign).alias("sign"), getattr(table, measure).alias("text")).where(
        table.bot_id.in_(bots), part.holds(table.at)
    )


def _raw(bots: Sequence[int], part: Part, measure: str) -> Counter[int]:
    value = getattr(Message, measure)
    query: Any = Message.select(value).where(
        Message.bot_id.in_(bots),
        Message.occurred_at >= part.start,
        Message.occurred_at < part.end,
        Message.direction == "out",
        value.is_null(False),
    )
    return Counter(histogram.bucket_of(row[0]) for row in query.tuples())
