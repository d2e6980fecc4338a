"""Time as botwatch keeps it: integer unix milliseconds, UTC."""

import time
from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
QUARTER_HOUR = 15 * MINUTE
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def now() -> int:
    """The present, in unix milliseconds."""
    return time.time_ns() // 1_000_000


def to_utc(at: int) -> datetime:
    """An aware datetime, whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC)


def iso(at: int) -> str:
    """ISO 8601 in UTC with milliseconds, for example `2026-11-23T08:00:00.000Z`."""
    return f"{to_utc(at):%Y-%m-%dT%H:%M:%S}.{at % SECOND:03d}Z"


def to_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware datetime, exact (no float between)."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds // 1_000
