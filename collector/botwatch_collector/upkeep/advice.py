"""What a State means, in plain words: a table of rules, each a pure function of it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from .state import JobState, State

Status = Literal["fail", "warn", "info"]

_GIB, _MIB = 1 << 30, 1 << 20
_SHORT_OF_SPACE_DAYS = 30
_OLD_BACKUP = _OLD_STATISTICS = timedelta(days=7)
_FEW_HITS_PERCENT = 95
_UNUSED_BYTES = 64 * _MIB


class Advice(msgspec.Struct, frozen=True):
    """`fail` needs somebody now, `warn` soon, `info` is worth knowing."""

    status: Status
    text: str


def advice(state: State) -> list[Advice]:
    """The gravest first."""
    found = [one for rule in _RULES for one in rule(state)]
    return sorted(found, key=lambda one: ("fail", "warn", "info").index(one.status))


def _workers(state: State) -> Iterator[Advice]:
    if not state.workers:
        yield Advice("fail", "No worker has been seen for 90 s: their readings below are missing.")


def _queue(state: State) -> Iterator[Advice]:
    share = state.ingest.queue_events / state.ingest.queue_limit
    if share >= 0.5:
        yield Advice(
            "fail" if share >= 0.9 else "warn",
            f"The queue is filling: {state.ingest.queue_events:,} events wait for their transaction, "
            f"{share:.0%} of what fits. Agents are asked to come back when it is full, and keep their data. "
            "Is the disk, or the database, slow?",
        )


def _commits(state: State) -> Iterator[Advice]:
    commit_ms = state.ingest.commit_ms
    if commit_ms is not None and commit_ms > 500:
        yield Advice(
            "warn", f"A transaction takes {commit_ms:,.0f} ms on average: the disk, or the database, is slow."
        )


def _rejected(state: State) -> Iterator[Advice]:
    rejected = state.ingest.rejected_percent
    if rejected is not None and rejected > 1:
        yield Advice(
            "warn",
            f"{rejected:.0f} % of the batches were refused: botwatch_ingest_rejected_total on /metrics tells "
            "the reasons.",
        )


def _lag(state: State) -> Iterator[Advice]:
    lag_ms = state.stream.lag_ms
    if lag_ms is not None and lag_ms > 1_000:
        yield Advice("warn", f"The live stream is {lag_ms / 1_000:.1f} s behind.")


def _jobs(state: State) -> Iterator[Advice]:
    for job in state.jobs:
        if job.state == "overdue":
            yield Advice(
                "fail", f"Nobody runs the job {job.name}, though it is due since {_day(job.due_at)}."
            )
        if job.error:
            yield Advice("warn", f"The job {job.name} failed with {job.error}: the log tells why.")


def _space(state: State) -> Iterator[Advice]:
    grown, free = state.database.grown_bytes_per_day, state.database.free_bytes
    if grown is None or grown < _MIB:
        return
    words = f"The database grows by {_bytes(grown)} a day"
    if free is None:
        yield Advice("info", f"{words}.")
        return
    days = free / grown
    status: Status = "fail" if days < 3 else "warn" if days < _SHORT_OF_SPACE_DAYS else "info"
    yield Advice(status, f"{words}; {_bytes(free)} are free, enough for {days:,.0f} days.")


def _statistics(state: State) -> Iterator[Advice]:
    job = _named(state, "optimise")
    if job and job.succeeded_at and _age(state, job.succeeded_at) > _OLD_STATISTICS:
        yield Advice(
            "warn", f"The planner's statistics are old: the job optimise last ran {_day(job.succeeded_at)}."
        )


def _backup(state: State) -> Iterator[Advice]:
    """Only where one is known of: others may be made by other means."""
    last = state.database.backed_up_at
    if last and _age(state, last) > _OLD_BACKUP:
        yield Advice("warn", f"The last backup known of is of {_day(last)}: botwatch-collector backup FILE.")


def _cache(state: State) -> Iterator[Advice]:
    found = state.database.cache_hit_percent
    if found is not None and found < _FEW_HITS_PERCENT:
        yield Advice(
            "info",
            f"PostgreSQL finds {found:.0f} % of what it reads in its own memory: where the machine has some "
            "left, raise shared_buffers.",
        )


def _slow_queries(state: State) -> Iterator[Advice]:
    worst = max((one.worst_ms for one in state.slow_queries), default=0)
    if worst > 1_000:
        yield Advice("info", f"The slowest statement took {worst / 1_000:.1f} s: see the list of them.")


def _indexes(state: State) -> Iterator[Advice]:
    for one in state.database.indexes or []:
        if not one.scans and not one.is_unique and one.size_bytes > _UNUSED_BYTES:
            yield Advice("info", f"The index {one.index} ({_bytes(one.size_bytes)}) has never been used.")


_RULES: tuple[Callable[[State], Iterator[Advice]], ...] = (
    _workers,
    _queue,
    _commits,
    _rejected,
    _lag,
    _jobs,
    _space,
    _statistics,
    _backup,
    _cache,
    _slow_queries,
    _indexes,
)


def _named(state: State, name: str) -> JobState | None:
    return next((job for job in state.jobs if job.name == name), None)


def _age(state: State, at: str) -> timedelta:
    return datetime.fromisoformat(state.at) - datetime.fromisoformat(at)


def _day(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"


def _bytes(count: float) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / _MIB:,.0f} MiB"
