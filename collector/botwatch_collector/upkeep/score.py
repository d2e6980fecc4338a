"""The collector's health as one number from 0 to 100, and what it is made of.

Each factor is 1 where all is well and 0 where it can't be worse, straight between the two; the score is their
average by weight. A factor that nothing is known of yet doesn't count.
"""

from collections.abc import Callable

import msgspec

from .state import State


class Factor(msgspec.Struct, frozen=True):
    """`score` is from 0 to 100, null where nothing is known; `reading` says what it was drawn from."""

    name: str
    weight: int
    score: float | None
    reading: str


def factors(state: State) -> list[Factor]:
    """In the order of the table."""
    return [_factor(name, weight, read(state)) for name, weight, read in _FACTORS]


def score(found: list[Factor]) -> int | None:
    """None where nothing is known at all."""
    known = [(one.score, one.weight) for one in found if one.score is not None]
    weights = sum(weight for _, weight in known)
    return round(sum(part * weight for part, weight in known) / weights) if weights else None


def _factor(name: str, weight: int, read: tuple[float | None, str]) -> Factor:
    part, reading = read
    return Factor(name, weight, None if part is None else round(100 * min(max(part, 0.0), 1.0), 1), reading)


def _falling(value: float | None, good: float, bad: float) -> float | None:
    """1 at `good` or below, 0 at `bad` or above."""
    return None if value is None else (bad - value) / (bad - good)


def _told(value: float | None, words: str) -> str:
    return "nothing in the last minutes" if value is None else words.format(value)


def _queue(state: State) -> tuple[float | None, str]:
    share = state.ingest.queue_events / state.ingest.queue_limit
    return _falling(share, 0.05, 0.9), f"{state.ingest.queue_events:,} of {state.ingest.queue_limit:,} events"


def _commits(state: State) -> tuple[float | None, str]:
    value = state.ingest.commit_ms
    return _falling(value, 100, 2_000), _told(value, "{:,.0f} ms on average")


def _rejected(state: State) -> tuple[float | None, str]:
    value = state.ingest.rejected_percent
    return _falling(value, 0, 20), _told(value, "{:.1f} % of the batches")


def _lag(state: State) -> tuple[float | None, str]:
    value = state.stream.lag_ms
    return _falling(value, 500, 5_000), _told(value, "{:,.0f} ms on average")


def _jobs(state: State) -> tuple[float | None, str]:
    bad = [job for job in state.jobs if job.state in ("failed", "overdue")]
    if not state.jobs:
        return None, "none has run yet"
    return 1 - len(bad) / len(state.jobs), f"{len(state.jobs) - len(bad)} of {len(state.jobs)} are well"


def _space(state: State) -> tuple[float | None, str]:
    free, size = state.database.free_bytes, state.database.size_bytes
    if free is None:
        return None, "on another machine"
    # As much again as there is, or 10 GiB, is plenty.
    plenty = min(size, 10 << 30)
    return _falling(-free, -plenty, -(plenty // 10)), f"{free / (1 << 30):,.1f} GiB free"


_FACTORS: tuple[tuple[str, int, Callable[[State], tuple[float | None, str]]], ...] = (
    ("Ingest queue", 3, _queue),
    ("Time of a transaction", 2, _commits),
    ("Refused batches", 2, _rejected),
    ("Lag of the stream", 2, _lag),
    ("Jobs", 2, _jobs),
    ("Space on disk", 3, _space),
)
