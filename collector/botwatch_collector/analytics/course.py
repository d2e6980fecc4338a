"""The course of a window for a chart: every bucket of it, empty ones too, beside the same stretch before."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from ..clock import iso
from .calendar import BucketName, Calendar, calendar
from .counts import Counts, counts_by
from .people import users_by
from .window import DAY, HOUR, MINUTE, MONTH, WEEK, Unit, Window

_UNITS: dict[BucketName, Unit] = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK, "month": MONTH}


class Step(msgspec.Struct, frozen=True):
    """One bucket; `before` is the total of the bucket as many earlier as the window has."""

    at: str
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")
    users: int
    response_avg_ms: float | None
    before: int


def course(bots: Sequence[int], window: Window, bucket: BucketName, zone: ZoneInfo) -> list[Step]:
    """Oldest first. The caller sees to it that the window has a sensible number of buckets."""
    buckets = calendar(bucket, zone, window)
    keys = _keys(buckets, window)
    found = counts_by(bots, window, buckets.grid, buckets.key_sql)
    people = users_by(bots, window, bucket, buckets, found)
    before = _before(bots, bucket, zone, buckets.start(keys[0]), len(keys))
    return [
        _step(buckets.start(key), found.get(key, Counts()), people.get(key, 0), total)
        for key, total in zip(keys, before, strict=True)
    ]


def _step(at: int, counts: Counts, users: int, before: int) -> Step:
    return Step(iso(at), counts.messages_in, counts.messages_out, users, counts.response_avg_ms, before)


def _keys(buckets: Calendar, window: Window) -> list[int]:
    keys = [buckets.key(window.start)]
    while (end := buckets.end(keys[-1])) < window.end:
        keys.append(buckets.key(end))
    return keys


def _before(bots: Sequence[int], bucket: BucketName, zone: ZoneInfo, end: int, count: int) -> list[int]:
    """The totals of the `count` buckets that end with `end`, oldest first; before 1970 there are none."""
    # A day that a change of the clocks makes longer: one bucket more is far enough.
    window = Window(max(end - (count + 1) * _UNITS[bucket].longest_ms, 0), end)
    if window.length <= 0:
        return [0] * count
    buckets = calendar(bucket, zone, window)
    found = counts_by(bots, window, buckets.grid, buckets.key_sql)
    totals = [found.get(key, Counts()).total for key in _keys(buckets, window)[-count:]]
    return [0] * (count - len(totals)) + totals
