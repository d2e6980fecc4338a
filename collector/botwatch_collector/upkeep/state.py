"""All that the System page tells: how ingest, stream, workers, jobs and database are doing."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from .. import db
from ..analytics import cache_use
from ..clock import DAY, SECOND, iso
from ..config import Config
from ..models import CollectorWorker, Job, Setting
from . import readings, slow
from .cache import cache_hit_percent
from .indexes import IndexUse, index_use
from .tables import TableSize, table_sizes

STALE_MS = 90 * SECOND
"""A worker that has not been seen for so long is gone."""

BACKED_UP_AT = "backed_up_at"

_SLOWEST = 20


class Ingest(msgspec.Struct, frozen=True):
    """Of the last minutes, over all workers and hosts; null while there is nothing to tell it from."""

    events_per_s: float | None
    events_per_s_of_day: float | None
    events_per_batch: float | None
    events_per_commit: float | None
    commit_ms: float | None
    rejected_percent: float | None
    queue_events: int
    queue_limit: int


class Stream(msgspec.Struct, frozen=True):
    """The lag is from an event's arrival to its being ready for readers, on average of the last minutes."""

    readers: int
    slow_readers: int
    lag_ms: float | None


class WorkerState(msgspec.Struct, frozen=True):
    """A process that answers requests."""

    host: str
    pid: int
    started_at: str
    seen_at: str
    queue_events: int


class JobState(msgspec.Struct, frozen=True):
    """`error` is what its last run ended with. Overdue is one that nobody runs though it is due for long."""

    name: str
    state: Literal["waiting", "running", "failed", "overdue"]
    due_at: str
    started_at: str | None
    succeeded_at: str | None
    error: str | None


class Database(msgspec.Struct, frozen=True):
    """`indexes` and `cache_hit_percent` are null where the database doesn't count, `free_bytes` on another
    machine.
    """

    kind: str
    size_bytes: int
    grown_bytes_per_day: float | None
    free_bytes: int | None
    cache_hit_percent: float | None
    backed_up_at: str | None
    tables: list[TableSize]
    indexes: list[IndexUse] | None


class SlowShape(msgspec.Struct, frozen=True):
    """All statements of one shape that took longer than the threshold."""

    statement: str
    runs: int
    total_ms: float
    average_ms: float
    worst_ms: float
    last_at: str


class CacheUse(msgspec.Struct, frozen=True):
    """How often an answer that the analytics keep was wanted and known, since the database began."""

    question: str
    hits: int
    misses: int
    hit_percent: float | None


class Rate(msgspec.Struct, frozen=True):
    """Of the ten minutes that begin at `at`."""

    at: str
    events_per_s: float


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is read; the score and the advice are drawn from it."""

    at: str
    ingest: Ingest
    stream: Stream
    workers: list[WorkerState]
    jobs: list[JobState]
    database: Database
    slow_query_ms: int
    slow_queries: list[SlowShape]
    analytics_cache: list[CacheUse]
    rates: list[Rate]


def read(config: Config, now: int) -> State:
    """Some milliseconds: large tables are estimated, not counted."""
    workers: list[Any] = list(
        CollectorWorker.select()
        .where(CollectorWorker.seen_at > now - STALE_MS)
        .order_by(CollectorWorker.host, CollectorWorker.pid)
    )
    recent, day = readings.recent(now), readings.of_day(now)
    return State(
        at=iso(now),
        ingest=_ingest(recent, day, workers, config.limits.waiting_events),
        stream=_stream(recent, workers),
        workers=[_worker(one) for one in workers],
        jobs=[_job(one, now) for one in Job.select().order_by(Job.name)],
        database=_database(day),
        slow_query_ms=config.slow_query_ms,
        slow_queries=[_shape(one) for one in slow.slowest(_SLOWEST)],
        analytics_cache=[_cache_use(question, use) for question, use in cache_use.uses().items()],
        rates=[Rate(iso(at), round(rate, 3)) for at, rate in readings.rates(now)],
    )


def note_backup(now: int) -> None:
    """That a backup was made, for the advice on the next one."""
    with db.writing():
        Setting.insert(name=BACKED_UP_AT, value=str(now)).on_conflict(
            conflict_target=[Setting.name], update={Setting.value: str(now)}
        ).execute()


def _gauge(workers: Sequence[Any], name: str) -> int:
    return int(sum(one.gauges.get(name, 0) for one in workers))


def _ingest(
    recent: readings.Course | None, day: readings.Course | None, workers: Sequence[Any], limit: int
) -> Ingest:
    def of(name: str, by: str, times: float = 1) -> float | None:
        ratio = recent.ratio(name, by) if recent else None
        return None if ratio is None else round(times * ratio, 2)

    return Ingest(
        events_per_s=round(recent.per_s("events"), 2) if recent else None,
        events_per_s_of_day=round(day.per_s("events"), 2) if day else None,
        events_per_batch=of("events", "batches"),
        events_per_commit=of("events", "commits"),
        commit_ms=of("commit_s", "commits", 1_000),
        rejected_percent=_rejected(recent),
        queue_events=_gauge(workers, "botwatch_ingest_queue_events"),
        queue_limit=limit * max(len(workers), 1),
    )


def _rejected(recent: readings.Course | None) -> float | None:
    if recent is None:
        return None
    asked = recent.counted["batches"] + recent.counted["rejected"]
    return round(100 * recent.counted["rejected"] / asked, 2) if asked else None


def _stream(recent: readings.Course | None, workers: Sequence[Any]) -> Stream:
    lag = recent.ratio("stream_lag_s", "streamed") if recent else None
    return Stream(
        _gauge(workers, "botwatch_stream_readers"),
        _gauge(workers, "botwatch_stream_slow_readers"),
        None if lag is None else round(1_000 * lag, 2),
    )


def _worker(one: Any) -> WorkerState:
    queued = _gauge([one], "botwatch_ingest_queue_events")
    return WorkerState(one.host, one.pid, iso(one.started_at), iso(one.seen_at), queued)


def _job(one: Any, now: int) -> JobState:
    is_claimed = one.claimed_until is not None and one.claimed_until > now
    late = now - one.due_at > _OVERDUE_MS
    state: Literal["waiting", "running", "failed", "overdue"] = (
        "running" if is_claimed else "overdue" if late else "failed" if one.error else "waiting"
    )
    return JobState(one.name, state, iso(one.due_at), _iso(one.started_at), _iso(one.succeeded_at), one.error)


_OVERDUE_MS = 15 * 60 * SECOND


def _database(day: readings.Course | None) -> Database:
    grown = day.counted["size_bytes"] * DAY / (day.until - day.since) if day else None
    backed_up = Setting.get_or_none(Setting.name == BACKED_UP_AT)
    return Database(
        kind=db.dialect(),
        size_bytes=db.size_bytes(),
        grown_bytes_per_day=None if grown is None else round(grown),
        free_bytes=db.free_bytes(),
        cache_hit_percent=cache_hit_percent(),
        backed_up_at=iso(int(backed_up.value)) if backed_up else None,
        tables=table_sizes(),
        indexes=index_use(),
    )


def _shape(one: Any) -> SlowShape:
    average = round(one.total_ms / one.runs, 1)
    return SlowShape(
        one.shape, one.runs, round(one.total_ms, 1), average, round(one.worst_ms, 1), iso(one.last_at)
    )


def _cache_use(question: str, use: cache_use.Use) -> CacheUse:
    rate = use.hit_rate
    return CacheUse(question, use.hits, use.misses, None if rate is None else round(100 * rate, 2))


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)
