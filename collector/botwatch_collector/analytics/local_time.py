"""Moments as milliseconds of a zone's local time, here and in the database."""

from bisect import bisect_right
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import DAY
from . import window as units
from .sql import case
from .window import Unit, Window
from .zones import Segment, segments

# A bucket that the window cuts starts or ends outside of it.
_MARGIN = 40 * DAY


class LocalTime:
    """Local time in a window and a month around it; with `modulo`, offsets count only as their rest by it."""

    def __init__(self, zone: ZoneInfo, window: Window, modulo: int | None = None) -> None:
        around = segments(zone, Window(window.start - _MARGIN, window.end + _MARGIN))
        self._segments = _merged(around, modulo)
        self._ends = [one.end for one in self._segments]
        self._local_ends = [one.end + one.offset for one in self._segments]
        self._asked = [one for one in self._segments if one.start < window.end and one.end > window.start]
        self.is_utc = all(one.offset == 0 for one in self._segments)

    def of(self, at: int) -> int:
        """Local time of a moment."""
        return at + self._holding(at).offset

    def first_moment(self, local: int) -> int:
        """When the clocks first show this time, or a later one where a change skips it."""
        one = self._segments[min(bisect_right(self._local_ends, local), len(self._segments) - 1)]
        return max(one.start, local - one.offset)

    def next_change(self, at: int) -> int:
        """When the offset changes next."""
        return self._holding(at).end

    def offset_sql(self, at: Any) -> Any:
        """The offset as an expression on a column of moments within the window."""
        return case(at, [(one.end, one.offset) for one in self._asked[:-1]], self._asked[-1].offset)

    def grid(self, length: int) -> tuple[Unit, ...]:
        """The units of rollup whose buckets lie within one local bucket of this length, longest first."""
        offsets = [one.offset for one in self._asked]
        changes = [one.start for one in self._asked[1:]]
        return tuple(
            unit
            for unit in (units.DAY, units.HOUR, units.QUARTER_HOUR, units.MINUTE)
            if unit.longest_ms <= length and not any(at % unit.longest_ms for at in offsets + changes)
        )

    def _holding(self, at: int) -> Segment:
        return self._segments[min(bisect_right(self._ends, at), len(self._ends) - 1)]


def _merged(found: list[Segment], modulo: int | None) -> list[Segment]:
    merged: list[Segment] = []
    for one in found:
        offset = one.offset if modulo is None else one.offset % modulo
        if merged and merged[-1].offset == offset:
            merged[-1] = Segment(merged[-1].start, one.end, offset)
        else:
            merged.append(Segment(one.start, one.end, offset))
    return merged
