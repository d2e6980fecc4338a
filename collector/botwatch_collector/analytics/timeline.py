"""Messages, users and response times over time."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from ..clock import iso
from ..errors import InvalidParameter
from .calendar import BucketName, calendar
from .counts import Counts, counts_by, extent, filled
from .people import users_by
from .window import DAY, HOUR, MINUTE, Window

_UNITS = {"minute": MINUTE, "hour": HOUR}


class Point(msgspec.Struct, frozen=True):
    """One bucket. `at` is its first moment, even where the window starts later."""

    at: str
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")
    users: int
    response_avg_ms: float | None


class Timeline(msgspec.Struct, frozen=True):
    """Buckets without messages are left out."""

    bucket: BucketName
    points: list[Point]


def timeline(
    bots: Sequence[int], window: Window, bucket: BucketName, zone: ZoneInfo, most_points: int
) -> Timeline:
    """The window in buckets of the zone; raises InvalidParameter where over `most_points` have messages."""
    cut = extent(bots, window)
    if cut is None:
        return Timeline(bucket, [])
    buckets = calendar(bucket, zone, cut)
    if (
        buckets.count() > most_points
        and filled(bots, cut, _UNITS.get(bucket, DAY), most_points) > most_points
    ):
        raise InvalidParameter(
            f"bucket: over {most_points} {bucket}s of the window have messages; ask for longer ones",
            at="bucket",
        )
    found = counts_by(bots, cut, buckets.grid, buckets.key_sql)
    users = users_by(bots, cut, bucket, buckets, found)
    return Timeline(
        bucket, [_point(buckets.start(key), found[key], users.get(key, 0)) for key in sorted(found)]
    )


def _point(at: int, found: Counts, users: int) -> Point:
    return Point(iso(at), found.messages_in, found.messages_out, users, found.response_avg_ms)
