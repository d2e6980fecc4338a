"""Buckets with far more or far fewer messages than is usual for their hour of the week.

Usual is the mean of the same hour (for days: the same day of the week) in the weeks before. A bucket is
unusual when it lies over two standard deviations away; counts of rare events spread by the square root of
their mean at least, whatever a few samples say. Where there are too few weeks to compare, nothing is said.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from math import sqrt
from statistics import fmean, pstdev
from zoneinfo import ZoneInfo

import msgspec

from ..clock import DAY, WEEK, iso, to_utc
from ..errors import InvalidParameter
from .calendar import BucketName, Calendar, calendar
from .counts import Counts, counts_by, extent
from .window import Window

DEVIATIONS = 2.0
LEAST_SAMPLES = 4
_MOST_SAMPLES = 8
# Two deviations of a steady count can be a handful of messages, which nobody would call unusual.
_LEAST_SHARE = 0.25

_HISTORY: dict[BucketName, int] = {
    "hour": (_MOST_SAMPLES + 1) * WEEK,
    "day": (_MOST_SAMPLES + 1) * WEEK,
    "week": (_MOST_SAMPLES + 1) * WEEK,
    "month": (_MOST_SAMPLES + 1) * 31 * DAY,
}


class Anomaly(msgspec.Struct, frozen=True):
    """An unusual bucket; `deviations` is negative where there were fewer messages than usual."""

    at: str
    messages: int
    expected: float
    deviations: float


class Anomalies(msgspec.Struct, frozen=True):
    """`judged` counts the buckets with enough history; of the others and of the open one nothing is known."""

    bucket: BucketName
    judged: int
    anomalies: list[Anomaly]


def anomalies(
    bots: Sequence[int], window: Window, bucket: BucketName, zone: ZoneInfo, *, now: int, most_points: int
) -> Anomalies:
    """The window's unusual buckets; raises InvalidParameter for minutes and for too many buckets."""
    if bucket not in _HISTORY:
        raise InvalidParameter("bucket: anomalies are told by hour, day, week or month", at="bucket")
    known = extent(bots, Window(max(window.start - _HISTORY[bucket], 0), min(window.end, now)))
    if known is None:
        return Anomalies(bucket, 0, [])
    buckets = calendar(bucket, zone, known)
    if buckets.count() > most_points:
        raise InvalidParameter(f"bucket: the window has over {most_points} {bucket}s", at="bucket")
    totals = counts_by(bots, known, buckets.grid, buckets.key_sql)
    usual: dict[tuple[int, int], deque[int]] = defaultdict(lambda: deque(maxlen=_MOST_SAMPLES))
    judged = []
    for key in _whole_buckets(buckets, known):
        at, messages = buckets.start(key), totals.get(key, Counts()).total
        samples = usual[_slot(bucket, at, zone)]
        if at >= window.start and len(samples) >= LEAST_SAMPLES:
            judged.append(_compared(at, messages, samples))
        samples.append(messages)
    return Anomalies(bucket, len(judged), [one for one in judged if one])


def _whole_buckets(buckets: Calendar, known: Window) -> Iterator[int]:
    """From the one after the first messages, which may have begun within it, to the last that has ended."""
    at = buckets.end(buckets.key(known.start))
    while at < known.end and buckets.end(key := buckets.key(at)) <= known.end:
        yield key
        at = buckets.end(key)


def _slot(bucket: BucketName, at: int, zone: ZoneInfo) -> tuple[int, int]:
    if bucket in ("week", "month"):
        return 0, 0
    local: datetime = to_utc(at).astimezone(zone)
    return local.weekday(), local.hour if bucket == "hour" else 0


def _compared(at: int, messages: int, samples: Sequence[int]) -> Anomaly | None:
    mean = fmean(samples)
    spread = max(pstdev(samples), sqrt(mean), 1.0)
    deviations = (messages - mean) / spread
    if abs(deviations) <= DEVIATIONS or abs(messages - mean) < _LEAST_SHARE * mean:
        return None
    return Anomaly(iso(at), messages, round(mean, 1), round(deviations, 1))
