"""The span of time that a question asks for, and its division into whole buckets and raw edges.

Any window is answered exactly: the whole buckets inside it come from rollups, the rest from raw rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import clock
from ..rollups import declared

LATEST = 253_399_622_400_000
"""9999-12-01: windows end before it, so that the end of any bucket can still be written as a date."""

FOREVER = LATEST + 31 * clock.DAY
"""The end of 9999, before which every message is; from here on there are no dates."""

_MANY = 1_000
"""So many buckets of one unit are somebody's broken clock, and more than a statement takes as parameters."""


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
QUARTER_HOUR = Unit("quarter_hour", declared.quarter_hour, clock.QUARTER_HOUR)
HOUR = Unit("hour", declared.hour, clock.HOUR)
DAY = Unit("day", declared.day, clock.DAY)
WEEK = Unit("week", declared.week, clock.WEEK)
MONTH = Unit("month", lambda at: declared.month(min(at, FOREVER - 1)), 31 * clock.DAY)
YEAR = Unit("year", lambda at: declared.year(min(at, FOREVER - 1)), 366 * clock.DAY)
EVER = Unit("ever", lambda at: 0 if at < FOREVER else FOREVER, FOREVER)


@dataclass(frozen=True)
class Part:
    """A piece of a window: whole buckets of `unit`, or raw rows where that is None.

    With a sign of -1 it is to be taken off what the other pieces add up to.
    """

    unit: Unit | None
    start: int
    end: int
    sign: int = 1

    @property
    def window(self) -> "Window":
        return Window(self.start, self.end)

    def buckets(self) -> list[int]:
        """Where the buckets start."""
        assert self.unit is not None
        starts = [self.start]
        while (at := self.unit.ceil(starts[-1] + 1)) < self.end:
            starts.append(at)
        return starts

    def holds(self, at: Any) -> Any:
        """The condition on a column of starts. One by one, the key leads on to what stands after it."""
        assert self.unit is not None
        if self.window.length > _MANY * self.unit.longest_ms:
            return (at >= self.start) & (at < self.end)
        return at.in_(self.buckets())


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

    def cut(self, other: "Window") -> "Window":
        """What of it lies in the other one; of no length if nothing does."""
        return Window(max(self.start, other.start), max(min(self.end, other.end), self.start, other.start))

    def within(self, other: "Window") -> int:
        """How much of it lies in the other one."""
        return self.cut(other).length if self.length > 0 else 0

    def parts(self, units: Sequence[Unit] = (DAY, HOUR, MINUTE)) -> list[Part]:
        """The window without gap or overlap, in as few pieces as `units`, longest first, allow."""
        return _split(self.start, self.end, tuple(units))

    def sums(self, units: Sequence[Unit], known: "Window") -> list[Part]:
        """The same in fewer rows, of what can be taken off again: most of a month is the month less the rest.

        Raw rows are only added: they may not be counted yet. `known` is where there is anything at all.
        """
        parts = _balanced(self.cut(known), tuple(units), 1, known)
        return [part for part in parts if part.window.within(known)]


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


def _balanced(window: Window, units: tuple[Unit, ...], sign: int, known: Window) -> list[Part]:
    if window.length <= 0:
        return []
    if not units:
        return [Part(None, window.start, window.end, sign)]
    unit, finer = units[0], units[1:]
    if finer:
        start, end = (_nearer(at, unit, known) for at in (window.start, window.end))
    elif sign > 0:
        start, end = unit.ceil(window.start), unit.floor(window.end)
    else:
        start, end = unit.floor(window.start), unit.ceil(window.end)
    if start >= end:
        return _balanced(window, finer, sign, known)
    edges = [(start, window.start, -sign), (window.start, start, sign)]
    edges += [(window.end, end, -sign), (end, window.end, sign)]
    parts = [Part(unit, start, end, sign)]
    for first, last, its_sign in edges:
        parts += _balanced(Window(first, last).cut(known), finer, its_sign, known)
    return parts


def _nearer(at: int, unit: Unit, known: Window) -> int:
    """The start of a bucket, before or after `at`, with less between them."""
    before, after = unit.floor(at), unit.ceil(at)
    return before if Window(before, at).within(known) < Window(at, after).within(known) else after
