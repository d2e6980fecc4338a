"""The collector's course: what it had counted, minute by minute for a day and hour by hour before that."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from peewee import fn

from .. import db
from ..clock import DAY, HOUR, MINUTE, SECOND
from ..config import Config
from ..models import CollectorCounter, CollectorReading

PERIOD_MS = MINUTE
_KEPT_MS = 400 * DAY
_RECENT_MS = 10 * MINUTE

_COUNTERS = {
    "events": "botwatch_ingest_events_total",
    "batches": "botwatch_ingest_batches_total",
    "rejected": "botwatch_ingest_rejected_total",
    "commits": "botwatch_ingest_commit_seconds_count",
    "commit_s": "botwatch_ingest_commit_seconds_sum",
    "streamed": "botwatch_stream_lag_seconds_count",
    "stream_lag_s": "botwatch_stream_lag_seconds_sum",
}


@dataclass(frozen=True)
class Course:
    """What was counted between two readings, and how much the database grew."""

    since: int
    until: int
    counted: Mapping[str, float]

    def per_s(self, name: str) -> float:
        return self.counted[name] * SECOND / (self.until - self.since)

    def ratio(self, name: str, by: str) -> float | None:
        """None where there was nothing to divide by."""
        return self.counted[name] / self.counted[by] if self.counted[by] else None


def keep(_config: Config, now: int) -> bool:
    """The job: one for this minute; of those over a day old one an hour stays. Safe to repeat."""
    reading = CollectorReading
    totals = _totals()
    with db.writing():
        reading.insert(at=now // MINUTE * MINUTE, totals=totals).on_conflict_ignore().execute()
        is_thinned = (reading.at < now - DAY) & (reading.at != db.start_of(reading.at, HOUR))
        reading.delete().where(is_thinned | (reading.at < now - _KEPT_MS)).execute()
    return False


def recent(now: int) -> Course | None:
    """From the newest reading that is a minute old up to now; None without one of the last minutes."""
    found = _newest_before(now - MINUTE, now - _RECENT_MS)
    return _between(found, now, _totals()) if found else None


def of_day(now: int) -> Course | None:
    """The last day, or as much of it as is known, but an hour at least."""
    reading = CollectorReading
    query = reading.select().where(reading.at >= now - DAY, reading.at <= now - HOUR)
    found = query.order_by(reading.at).first()
    return _between(found, now, _totals()) if found else None


def rates(now: int) -> list[tuple[int, float]]:
    """Events a second of every ten minutes of the last day, by their start."""
    reading = CollectorReading
    found: list[Any] = list(reading.select().where(reading.at >= now - DAY - _RECENT_MS).order_by(reading.at))
    last_of = {one.at // _RECENT_MS: one for one in found}
    ends = sorted(last_of.items())
    return [
        (later.at // _RECENT_MS * _RECENT_MS, _between(one, later.at, later.totals).per_s("events"))
        for (_, one), (_, later) in pairwise(ends)
    ]


def _newest_before(latest: int, earliest: int) -> Any:
    reading = CollectorReading
    query = reading.select().where(reading.at <= latest, reading.at >= earliest)
    return query.order_by(reading.at.desc()).first()


def _between(first: Any, until: int, totals: Mapping[str, float]) -> Course:
    # Counters that a restored backup has set back count from zero.
    counted = {name: max(totals[name] - first.totals.get(name, 0.0), 0.0) for name in _COUNTERS}
    grown = totals["size_bytes"] - first.totals.get("size_bytes", totals["size_bytes"])
    return Course(first.at, until, counted | {"size_bytes": grown})


def _totals() -> dict[str, float]:
    counter = CollectorCounter
    rows: Any = (
        counter.select(counter.name, fn.SUM(counter.value))
        .where(counter.name.in_(list(_COUNTERS.values())))
        .group_by(counter.name)
        .tuples()
    )
    counted: dict[str, float] = dict(rows)
    totals = {name: counted.get(metric, 0.0) for name, metric in _COUNTERS.items()}
    return totals | {"size_bytes": float(db.size_bytes())}
