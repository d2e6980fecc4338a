"""What a scrape reads: values by the name of their metric."""

from collections.abc import Sequence
from dataclasses import dataclass

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Distribution:
    """Counts at or below each bound in seconds, the last of them infinite, and the sum of all values."""

    buckets: Sequence[tuple[str, float]]
    sum: float


@dataclass(frozen=True)
class Total:
    """How many values there were, and their sum."""

    count: float
    sum: float


Value = float | Distribution | Total
Readings = dict[str, list[tuple[Labels, Value]]]
"""Label values stand in the order of the metric's labels."""
