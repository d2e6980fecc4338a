"""The time range of a page. All of it stands in the address, so that a link shows everyone the same."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, get_args
from zoneinfo import ZoneInfo

from flask import request

from ..analytics.calendar import BucketName, calendar
from ..analytics.window import LATEST, Window
from ..clock import DAY, HOUR, to_ms, to_utc
from ..errors import InvalidParameter

CUSTOM = "custom"
PARAMETERS = ("range", "from", "to", "tz", "compare", "bucket")
"""All that it may be made of: what goes along from one page with a range to another."""
_MOMENT_FORMAT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Preset:
    """A range that ends now, and the bucket that suits it."""

    key: str
    title: str
    length: int
    bucket: BucketName


PRESETS = (
    Preset("1h", "Last hour", HOUR, "minute"),
    Preset("24h", "24 hours", DAY, "hour"),
    Preset("7d", "7 days", 7 * DAY, "day"),
    Preset("30d", "30 days", 30 * DAY, "day"),
    Preset("90d", "90 days", 90 * DAY, "week"),
    Preset("1y", "A year", 365 * DAY, "month"),
)
DEFAULT = PRESETS[3]

# From so long a range on the bucket makes sense, and up to so long a one a chart can still be read.
_SENSIBLE: dict[BucketName, tuple[int, int]] = {
    "minute": (0, 6 * HOUR),
    "hour": (2 * HOUR, 14 * DAY),
    "day": (2 * DAY, 400 * DAY),
    "week": (21 * DAY, 5 * 366 * DAY),
    "month": (60 * DAY, 100 * 366 * DAY),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


@dataclass(frozen=True)
class Period:
    """What the address asks for, in the reader's zone.

    `bounds` are the from and to of a custom range as they were asked for; without `compares` nothing is told
    of the time before.
    """

    key: str
    window: Window
    bucket: BucketName
    zone: ZoneInfo
    bounds: tuple[str, str] | None = None
    compares: bool = True
    presets: ClassVar[tuple[Preset, ...]] = PRESETS

    @property
    def begins(self) -> datetime:
        return to_utc(self.window.start).astimezone(self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment after it, or the present one."""
        return to_utc(self.window.end).astimezone(self.zone)

    @property
    def first(self) -> date:
        """Its first day."""
        return self.begins.date()

    @property
    def last(self) -> date:
        """Its last day, included."""
        return to_utc(self.window.end - 1).astimezone(self.zone).date()

    @property
    def inputs(self) -> tuple[str, str]:
        """Both ends, as the fields of a form take them."""
        return self.begins.strftime(_MOMENT_FORMAT), self.ends.strftime(_MOMENT_FORMAT)

    @property
    def buckets(self) -> list[BucketName]:
        """Those a chart of this length can be asked for."""
        return sensible(self.window.length)

    def address(self, **changes: str) -> dict[str, str]:
        """The parameters of the same page with other ones instead."""
        asked = {"range": self.key, "bucket": self.bucket}
        if self.bounds:
            asked |= {"from": self.bounds[0], "to": self.bounds[1], "tz": self.zone.key}
        if not self.compares:
            asked["compare"] = "none"
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
    return _period(key, window, preset.bucket, zone, None)


def _aligned(start: int, now: int, preset: Preset, zone: ZoneInfo) -> int:
    """Where the first whole bucket begins, so that no bar is cut: 7 days are today and the 6 before."""
    unit: BucketName = preset.bucket if preset.length <= DAY else "day"
    buckets = calendar(unit, zone, Window(start, now))
    return buckets.end(buckets.key(start))


def _custom(now: int, zone: ZoneInfo) -> Period:
    start, end = _bound("from", zone, days=0), _bound("to", zone, days=1)
    if end <= start:
        raise InvalidParameter("to: the end is before the start", at="to")
    if start > now:
        raise InvalidParameter("from: this time is not here yet", at="from")
    window = Window(start, min(end, now + 1))
    bounds = (request.args["from"], request.args["to"])
    return _period(CUSTOM, window, sensible(window.length)[0], zone, bounds)


def _period(
    key: str, window: Window, bucket: BucketName, zone: ZoneInfo, bounds: tuple[str, str] | None
) -> Period:
    wanted, compare = request.args.get("bucket"), request.args.get("compare")
    names: tuple[BucketName, ...] = get_args(BucketName)
    if wanted and wanted not in names:
        raise InvalidParameter(f"bucket: expected {', '.join(_SENSIBLE)}", at="bucket")
    if compare and compare not in ("previous", "none"):
        raise InvalidParameter("compare: expected previous or none", at="compare")
    # One that another range offered is no mistake of the reader's.
    fitting = next((name for name in sensible(window.length) if name == wanted), bucket)
    return Period(key, window, fitting, zone, bounds, compares=compare != "none")


def _bound(name: str, zone: ZoneInfo, *, days: int) -> int:
    """A moment, or the midnight `days` after the one that a day begins with."""
    text = request.args.get(name, "")
    try:
        if _MOMENT.fullmatch(text):
            return to_ms(_in_range(name, datetime.fromisoformat(text)).replace(tzinfo=zone))
        if _DATE.fullmatch(text):
            day = _in_range(name, datetime.fromisoformat(text)).date()
            return _midnight(day + timedelta(days=days), zone)
    except ValueError:
        pass
    raise InvalidParameter(f"{name}: expected a day such as 2026-11-23, or 2026-11-23T14:00", at=name)


def _in_range(name: str, moment: datetime) -> datetime:
    if not 1970 < moment.year < to_utc(LATEST).year:
        raise InvalidParameter(f"{name}: not between the years 1971 and 9998", at=name)
    return moment


def _midnight(day: date, zone: ZoneInfo) -> int:
    noon = to_ms(datetime(day.year, day.month, day.day, 12, tzinfo=zone))
    days = calendar("day", zone, Window(noon, noon + 1))
    return days.start(days.key(noon))
