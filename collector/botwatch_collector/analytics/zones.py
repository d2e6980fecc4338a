"""Where a time zone's distance from UTC stays the same, and where it changes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from ..clock import DAY, SECOND, to_ms
from ..errors import InvalidParameter
from .window import Window

MOST_YEARS = 200
"""A longer span is somebody's broken clock, and would cost seconds to lay out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 2, tzinfo=UTC) - _EPOCH
_LAST = datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH


@dataclass(frozen=True)
class Segment:
    """From `start` up to `end` local time is UTC plus `offset`; all in milliseconds."""

    start: int
    end: int
    offset: int


def segments(zone: ZoneInfo, window: Window) -> list[Segment]:
    """The window's segments in order, without gap; at least one."""
    first, last = _moment(window.start).year, _moment(max(window.end - 1, window.start)).year
    if last - first > MOST_YEARS:
        raise InvalidParameter(f"to: the messages span over {MOST_YEARS} years, ask for fewer", at="to")
    found = [Segment(window.start, window.end, offset_ms(zone, window.start))]
    for year in range(first, last + 1):
        for at, offset in _changes(zone, year):
            if found[-1].start < at < window.end and offset != found[-1].offset:
                found[-1:] = [
                    Segment(found[-1].start, at, found[-1].offset),
                    Segment(at, window.end, offset),
                ]
    return found


def offset_ms(zone: ZoneInfo, at: int) -> int:
    """How far local time is ahead of UTC."""
    offset = _moment(at).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """The moments of a UTC year at which the offset changes, with the new offset.

    Looked for from day to day: no zone has ever changed twice within one.
    """
    start = to_ms(datetime(year, 1, 1, tzinfo=UTC))
    days = [(at, offset_ms(zone, at)) for at in range(start, start + 367 * DAY, DAY)]
    return tuple(
        (_change_between(zone, before, after), new)
        for (before, old), (after, new) in pairwise(days)
        if old != new
    )


def _change_between(zone: ZoneInfo, before: int, after: int) -> int:
    """The first moment with the offset of `after`; changes happen on whole seconds."""
    old = offset_ms(zone, before)
    while after - before > SECOND:
        middle = (before + after) // 2 // SECOND * SECOND
        if offset_ms(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _moment(at: int) -> datetime:
    # A day short of what datetime can hold, so that no zone's local time is beyond it.
    return _EPOCH + min(max(timedelta(milliseconds=at), _FIRST), _LAST)
