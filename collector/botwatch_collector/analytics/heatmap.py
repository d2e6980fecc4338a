"""When people write: by day of the week and hour of the day."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from .calendar import WeekHours
from .counts import counts_by, extent
from .window import Window


class Heatmap(msgspec.Struct, frozen=True):
    """Messages in: 7 days, Monday first, of 24 hours each, as the zone's clocks show them."""

    cells: list[list[int]]


def heatmap(bots: Sequence[int], window: Window, zone: ZoneInfo) -> Heatmap:
    """The window as a week; the two hours of a repeated one add up, a skipped one has no messages."""
    cells = [[0] * 24 for _ in range(7)]
    cut = extent(bots, window)
    if cut:
        hours = WeekHours(zone, cut)
        for key, found in counts_by(bots, cut, hours.grid, hours.key_sql).items():
            cells[key // 24][key % 24] = found.messages_in
    return Heatmap(cells)
