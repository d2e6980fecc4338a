"""Which rollups there are: a table of data. Adding one is a row here, a model and a migration."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from .. import models
from ..clock import DAY, HOUR, MINUTE, QUARTER_HOUR, WEEK, to_ms

_MONDAY = 4 * DAY  # 1970-01-05, the first Monday


def minute(at: int) -> int:
    """Start of the minute that holds `at`; so for the others below. All in UTC."""
    return at - at % MINUTE


def quarter_hour(at: int) -> int:
    return at - at % QUARTER_HOUR


def hour(at: int) -> int:
    return at - at % HOUR


def day(at: int) -> int:
    return at - at % DAY


def week(at: int) -> int:
    """Weeks start on Monday."""
    return at - (at - _MONDAY) % WEEK


# Asked for each row of a commit, of which nearly all are of one hour.
@lru_cache(maxsize=4096)
def month(at: int) -> int:
    moment = datetime.fromtimestamp(at // 1_000, UTC)
    return to_ms(datetime(moment.year, moment.month, 1, tzinfo=UTC))


@lru_cache(maxsize=4096)
def year(at: int) -> int:
    return to_ms(datetime(datetime.fromtimestamp(at // 1_000, UTC).year, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Rollup:
    """A table of buckets, and which bucket a moment belongs to."""

    model: type[models.Table]
    bucket: Callable[[int], int]


MESSAGES = (
    Rollup(models.MessageMinute, minute),
    Rollup(models.MessageQuarterHour, quarter_hour),
    Rollup(models.MessageHour, hour),
    Rollup(models.MessageDay, day),
)
HISTOGRAMS = (
    Rollup(models.HistogramMinute, minute),
    Rollup(models.HistogramHour, hour),
    Rollup(models.HistogramDay, day),
    Rollup(models.HistogramMonth, month),
)
USERS = (
    Rollup(models.UserHour, hour),
    Rollup(models.UserDay, day),
    Rollup(models.UserMonth, month),
    Rollup(models.UserYear, year),
)
ALL = (*MESSAGES, *HISTOGRAMS, *USERS)
