"""The time range of a page. All of it stands in the address, so that a link shows everyone the same."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from flask import request

from ..analytics.calendar import BucketName, calendar
from ..analytics.window import LATEST, Window
from ..clock import DAY, to_ms, to_utc
from ..errors import InvalidParameter

CUSTOM = "custom"


@dataclass(frozen=True)
class Preset:
    """A range that ends now, and the bucket that suits it."""

    key: str
    title: str
    length: int
    bucket: BucketName


PRESETS = (
    Preset("24h", "24 hours", DAY, "hour"),
    Preset("7d", "7 days", 7 * DAY, "day"),
    Preset("30d", "30 days", 30 * DAY, "day"),
    Preset("90d", "90 days", 90 * DAY, "week"),
    Preset("1y", "A year", 365 * DAY, "month"),
)
DEFAULT = PRESETS[2]

# From so long a range on the bucket makes sense, and up to so long a one a chart can still be read.
_SENSIBLE: dict[BucketName, tuple[int, int]] = {
    "hour": (0, 14 * DAY),
    "day": (2 * DAY, 400 * DAY),
    "week": (21 * DAY, 5 * 366 * DAY),
    "month": (60 * DAY, 100 * 366 * DAY),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True)
class Period:
    """What the address asks for. `first` and `last` are its days in the reader's zone, both included."""

    key: str
    window: Window
    bucket: BucketName
    first: date
    last: date

    @property
    def buckets(self) -> list[BucketName]:
        """Those a chart of this length can be asked for."""
        return sensible(self.window.length)

    def address(self, **changes: str) -> dict[str, str]:
        """The parameters of the same page with other ones instead."""
        asked = {"range": self.key, "bucket": self.bucket}
        if self.key == CUSTOM:
            asked |= {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return asked | changes


def sensible(length: int) -> list[BucketName]:
    """Buckets for a range of this length, shortest first; never none."""
    return [name for name, (least, most) in _SENSIBLE.items() if least <= length <= most] or ["month"]


def asked(now: int, zone: ZoneInfo) -> Period:
    """What the address asks for; raises InvalidParameter."""
    key = request.args.get("range") or DEFAULT.key
    if key == CUSTOM:
        return _custom(now, zone)
    preset = next((one for one in PRESETS if one.key == key), None)
    if preset is None:
        raise InvalidParameter(
            f"range: expected {', '.join(one.key for one in PRESETS)} or {CUSTOM}", at="range"
        )
    window = Window(_aligned(now - preset.length, now, preset, zone), now + 1)
    return _period(key, window, preset.bucket, zone)


def _aligned(start: int, now: int, preset: Preset, zone: ZoneInfo) -> int:
    """Where the first whole hour or day begins, so that no bar is cut: 7 days are today and the 6 before."""
    buckets = calendar("hour" if preset.length <= DAY else "day", zone, Window(start, now))
    return buckets.end(buckets.key(start))


def _custom(now: int, zone: ZoneInfo) -> Period:
    first, last = _day("from"), _day("to")
    if last < first:
        raise InvalidParameter("to: the last day is before the first", at="to")
    start, end = _midnight(first, zone), min(_midnight(last + timedelta(days=1), zone), now + 1)
    if start >= end:
        raise InvalidParameter("from: the first day is not here yet", at="from")
    window = Window(start, end)
    return _period(CUSTOM, window, sensible(window.length)[0], zone)


def _period(key: str, window: Window, bucket: BucketName, zone: ZoneInfo) -> Period:
    wanted = request.args.get("bucket")
    names: tuple[BucketName, ...] = get_args(BucketName)
    if wanted and wanted not in names:
        raise InvalidParameter(f"bucket: expected {', '.join(_SENSIBLE)}", at="bucket")
    # One that another range offered is no mistake of the reader's.
    fitting = next((name for name in sensible(window.length) if name == wanted), bucket)
    return Period(key, window, fitting, _local_day(window.start, zone), _local_day(window.end - 1, zone))


def _day(name: str) -> date:
    text = request.args.get(name, "")
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidParameter(f"{name}: expected a day such as 2026-11-23", at=name) from None
    if not 1970 < day.year < to_utc(LATEST).year:
        raise InvalidParameter(f"{name}: not between the years 1971 and 9998", at=name)
    return day


def _midnight(day: date, zone: ZoneInfo) -> int:
    noon = to_ms(datetime(day.year, day.month, day.day, 12, tzinfo=zone))
    days = calendar("day", zone, Window(noon, noon + 1))
    return days.start(days.key(noon))


def _local_day(at: int, zone: ZoneInfo) -> date:
    return to_utc(at).astimezone(zone).date()
