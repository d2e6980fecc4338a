"""Readings of messages, out of the rollups: totals, users and the distributions of times."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from peewee import fn

from ..analytics import people
from ..analytics.window import Window
from ..clock import DAY, HOUR, MINUTE
from ..models import HistogramMonth, MessageDay
from ..rollups.histogram import RESPONSE, WAIT, bucket_of, unpacked
from .readings import Distribution, Labels, Readings, Value

WINDOWS = {"30m": 30 * MINUTE, "1h": HOUR, "24h": DAY, "7d": 7 * DAY}

_Sums = Mapping[int, Mapping[str, int]]
_Times = Mapping[tuple[int, str], str]

BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)


def read(bots: Mapping[int, str], now: int) -> Readings:
    """`bots` are names by id."""
    sums = _sums(bots)
    times = _times(bots)
    return {
        "botwatch_messages_total": [
            ((name, direction), float(sums[bot][direction]))
            for bot, name in bots.items()
            for direction in ("in", "out")
        ],
        "botwatch_response_seconds": _distributions(bots, times, sums, RESPONSE),
        "botwatch_wait_seconds": _distributions(bots, times, sums, WAIT),
        "botwatch_active_users": [
            ((name, window), float(people.users([bot], Window(now - length, now))))
            for bot, name in bots.items()
            for window, length in WINDOWS.items()
        ],
    }


def _sums(bots: Mapping[int, str]) -> _Sums:
    """Messages by direction, and milliseconds by measure."""
    columns: dict[str, Any] = {
        "in": MessageDay.messages_in,
        "out": MessageDay.messages_out,
        RESPONSE: MessageDay.response_sum_ms,
        WAIT: MessageDay.wait_sum_ms,
    }
    query: Any = (
        MessageDay.select(MessageDay.bot_id, *(fn.SUM(column) for column in columns.values()))
        .where(MessageDay.bot_id.in_(list(bots)))
        .group_by(MessageDay.bot_id)
        .tuples()
    )
    nothing = dict.fromkeys(columns, 0)
    found = {bot: dict(zip(columns, map(int, sums), strict=True)) for bot, *sums in query}
    return {bot: found.get(bot, nothing) for bot in bots}


def _times(bots: Mapping[int, str]) -> _Times:
    """The packed histograms of all months, by bot and measure."""
    month = HistogramMonth
    query: Any = month.select(month.bot_id, month.response_ms, month.wait_ms)
    times: dict[tuple[int, str], str] = defaultdict(str)
    for bot, response, wait in query.where(month.bot_id.in_(list(bots))).tuples():
        times[bot, RESPONSE] += response
        times[bot, WAIT] += wait
    return times


def _distributions(
    bots: Mapping[int, str],
    times: _Times,
    sums: _Sums,
    measure: str,
) -> list[tuple[Labels, Value]]:
    return [
        (
            (name,),
            Distribution(cumulated(unpacked(times.get((bot, measure), ""))), sums[bot][measure] / 1_000),
        )
        for bot, name in bots.items()
    ]


def cumulated(times: Mapping[int, int]) -> list[tuple[str, float]]:
    """Counts at or below each bound, in seconds.

    A logarithmic bucket counts below a bound when it holds it, so all times up to the bound do, and of those
    above it only such as are within the bucket's width, 1.9 %.
    """
    bounds = [bucket_of(bound) for bound in BOUNDS_MS]
    counts = [0] * (len(bounds) + 1)
    for bucket, count in times.items():
        counts[sum(bound < bucket for bound in bounds)] += count
    names = [*(str(bound / 1_000) for bound in BOUNDS_MS), "+Inf"]
    return list(zip(names, map(float, accumulate(counts)), strict=True))
