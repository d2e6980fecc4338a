"""The span of time that a question asks for, and its division into whole buckets and raw edges.

Any window is answered exactly: the whole buckets inside it come from rollups, the rest from raw rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import clock
from ..rollups import declared

LATEST = 253_399_622_400_000
"""9999-12-01: windows end before it, so that the end of any bucket can still be written as a date."""


@dataclass(frozen=True)
class Unit:
    """A length of bucket that rollups are kept for, in UTC. `longest_ms` is its longest case."""

    name: str
    floor: Callable[[int], int]
    longest_ms: int

    def ceil(self, at: int) -> int:
        """The first start of a bucket at or after `at`."""
        start = self.floor(at)
        return start if start == at else self.floor(start + self.longest_ms)


MINUTE = Unit("minute", declared.minute, clock.MINUTE)
HOUR = Unit("hour", declared.hour, clock.HOUR)
DAY = Unit("day", declared.day, clock.DAY)
WEEK = Unit("week", declared.week, clock.WEEK)
MONTH = Unit("month", declared.month, 31 * clock.DAY)


@dataclass(frozen=True)
class Part:
    """A piece of a window: whole buckets of `unit`, or raw rows where that is None."""

    unit: Unit | None
    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """From `start` up to but without `end`, in unix milliseconds."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def previous(self) -> "Window":
        """The window of the same length that ends where this one starts; before 1970 there is nothing."""
        return Window(max(self.start - self.length, 0), self.start)

    def parts(self, units: Sequence[Unit] = (DAY, HOUR, MINUTE)) -> list[Part]:
        """The window without gap or overlap, in as few pieces as `units`, longest first, allow."""
        return _split(self.start, self.end, tuple(units))


def _split(start: int, end: int, units: tuple[Unit, ...]) -> list[Part]:
    if start >= end:
        return []
    if not units:
        return [Part(None, start, end)]
    unit, finer = units[0], units[1:]
    first, last = unit.ceil(start), unit.floor(end)
    if first >= last:
        return _split(start, end, finer)
    return [
        *_split(start, first, finer),
        Part(unit, first, last),
        *_split(last, end, finer),
    ]
