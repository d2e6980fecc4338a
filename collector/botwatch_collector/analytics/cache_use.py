"""How often what a question asked for was known already, counted over all workers and hosts."""

import json
from typing import Any, NamedTuple

from .. import counters
from ..models import CollectorCounter

METRIC = "botwatch_analytics_cache_total"


class Use(NamedTuple):
    """Of one question."""

    hits: int
    misses: int

    @property
    def hit_rate(self) -> float | None:
        wanted = self.hits + self.misses
        return self.hits / wanted if wanted else None


def count(question: str, *, hits: int, misses: int) -> None:
    for result, times in (("hit", hits), ("miss", misses)):
        counters.count(METRIC, times, question=question, result=result)


def uses() -> dict[str, Use]:
    """By question, as the database has it: what was counted in the last seconds isn't there yet."""
    rows: Any = CollectorCounter.select(CollectorCounter.labels, CollectorCounter.value)
    counted = {}
    for text, value in rows.where(CollectorCounter.name == METRIC).tuples():
        labels = json.loads(text)
        counted[labels["question"], labels["result"]] = int(value)
    return {
        question: Use(counted.get((question, "hit"), 0), counted.get((question, "miss"), 0))
        for question in sorted({question for question, _ in counted})
    }
