"""Buckets of time as the reader's zone has them: its minutes, hours, days, weeks from Monday, and months.

A day has 23 or 25 hours where the clocks change, and the hour that a change repeats is two buckets. Each
bucket has a key, which the database can compute from a moment.
"""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .. import clock
from ..clock import DAY, to_ms
from .local_time import LocalTime
from .sql import case, number
from .window import Unit, Window

BucketName = Literal["minute", "hour", "day", "week", "month"]

_THURSDAY = 3 * DAY  # how far into its week 1970-01-01 was


class Calendar(ABC):
    """The buckets that a window touches."""

    grid: tuple[Unit, ...]
    """The rollups none of whose buckets lies in two of these, longest first."""

    is_rollup: bool
    """Whether these are the very buckets of the users' rollup of the same name."""

    @abstractmethod
    def count(self) -> int:
        """How many there are, at most."""

    @abstractmethod
    def key(self, at: int) -> int:
        """The bucket that holds a moment of the window."""

    @abstractmethod
    def start(self, key: int) -> int:
        """The first moment of a bucket."""

    @abstractmethod
    def end(self, key: int) -> int:
        """The first moment after a bucket."""

    @abstractmethod
    def key_sql(self, at: Any) -> Any:
        """`key` as an expression on a column; of no use for moments outside of the window."""


def calendar(name: BucketName, zone: ZoneInfo, window: Window) -> Calendar:
    """The calendar of one kind of bucket."""
    if name in ("minute", "hour"):
        return _Clock(clock.MINUTE if name == "minute" else clock.HOUR, zone, window)
    return _Months(zone, window) if name == "month" else _Dates(name == "week", zone, window)


class _Clock(Calendar):
    """Minutes or hours. A key is when the bucket starts, or would if the clocks had not been changed."""

    def __init__(self, length: int, zone: ZoneInfo, window: Window) -> None:
        self._length = length
        self._window = window
        # Of the offset only what the length doesn't divide matters: for nearly every zone that is nothing.
        self._local = LocalTime(zone, window, modulo=length)
        self.grid = self._local.grid(length)
        self.is_rollup = self._local.is_utc

    def count(self) -> int:
        return self._window.length // self._length + 1

    def key(self, at: int) -> int:
        return at - self._local.of(at) % self._length

    def start(self, key: int) -> int:
        return key if self._local.of(key) % self._length == 0 else self._local.next_change(key)

    def end(self, key: int) -> int:
        return min(key + self._length, self._local.next_change(self.start(key)))

    def key_sql(self, at: Any) -> Any:
        length, offset = number(self._length), self._local.offset_sql(at)
        return (at + offset) / length * length - offset


class _Dates(Calendar):
    """Days or weeks, counted from the one that 1970-01-01 was in, less a few so that none is negative."""

    def __init__(self, weeks: bool, zone: ZoneInfo, window: Window) -> None:
        self._length = clock.WEEK if weeks else DAY
        self._before = 2 * clock.WEEK + (_THURSDAY if weeks else 0)
        self._window = window
        self._local = LocalTime(zone, window)
        self.grid = self._local.grid(DAY)
        self.is_rollup = self._local.is_utc

    def count(self) -> int:
        return self.key(self._window.end - 1) - self.key(self._window.start) + 1

    def key(self, at: int) -> int:
        return (self._local.of(at) + self._before) // self._length

    def start(self, key: int) -> int:
        return self._local.first_moment(key * self._length - self._before)

    def end(self, key: int) -> int:
        return self.start(key + 1)

    def key_sql(self, at: Any) -> Any:
        return (at + self._local.offset_sql(at) + number(self._before)) / number(self._length)


class _Months(Calendar):
    """Months, counted from the year 0."""

    def __init__(self, zone: ZoneInfo, window: Window) -> None:
        self._window = window
        self._local = LocalTime(zone, window)
        self.grid = self._local.grid(DAY)
        self.is_rollup = self._local.is_utc

    def count(self) -> int:
        return self.key(self._window.end - 1) - self.key(self._window.start) + 1

    def key(self, at: int) -> int:
        local = datetime(1970, 1, 1) + timedelta(milliseconds=self._local.of(at))
        return local.year * 12 + local.month - 1

    def start(self, key: int) -> int:
        return self._local.first_moment(to_ms(datetime(key // 12, key % 12 + 1, 1, tzinfo=UTC)))

    def end(self, key: int) -> int:
        return self.start(key + 1)

    def key_sql(self, at: Any) -> Any:
        first, last = self.key(self._window.start), self.key(self._window.end - 1)
        ends = [(self.end(key), key) for key in range(first, last)]
        return case(at, ends, last)


class WeekHours:
    """Hours of the local week as keys: 0 is Monday, midnight to one; 167 the last of Sunday."""

    def __init__(self, zone: ZoneInfo, window: Window) -> None:
        self._local = LocalTime(zone, window)
        self.grid = self._local.grid(clock.HOUR)

    def key_sql(self, at: Any) -> Any:
        since_a_monday = at + self._local.offset_sql(at) + number(_THURSDAY + 2 * clock.WEEK)
        hours, weeks = since_a_monday / number(clock.HOUR), since_a_monday / number(clock.WEEK)
        return hours - weeks * number(7 * 24)
