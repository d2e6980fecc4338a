"""The shades of a heatmap: how much each hour of the week has, next to the fullest one."""

from collections.abc import Sequence
from dataclasses import dataclass

_SHADES = 6
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Shaded:
    """Rows of (day, [(count, shade) of each hour]); shade 0 is nothing, the highest count has the last."""

    rows: list[tuple[str, list[tuple[int, int]]]]
    highest: int
    shades: range = range(_SHADES + 1)


def shaded(cells: Sequence[Sequence[int]]) -> Shaded:
    """Seven days of 24 counts, Monday first."""
    highest = max(max(row) for row in cells)
    rows = [
        (day, [(count, -(-count * _SHADES // highest) if highest else 0) for count in row])
        for day, row in zip(_DAYS, cells, strict=True)
    ]
    return Shaded(rows, highest)
