"""The log of slow statements: what they look like, how often and how long, never what they were asked with.

A process keeps what it saw since the last flush in memory, and adds it to the totals that all share.
"""

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from .. import clock, counters, db
from ..models import SlowQuery

_MOST_WAITING = 100
_MOST_CHARACTERS = 2_000

_TEXT = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w$.])\d+(?:\.\d+)?\b")
_MARK = re.compile(r"%s|\$\d+")
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")
_ROWS = re.compile(r"\(\?, \.\.\.\)(?:\s*,\s*\(\?, \.\.\.\))+")


@dataclass
class Seen:
    """Runs of one shape."""

    runs: int
    total_ms: float
    worst_ms: float
    last_at: int


class _Waiting:
    """What was seen and not yet written."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        """Also for a forked child: what waited at the fork is its parent's to write."""
        self.lock = threading.Lock()
        self.seen: dict[str, Seen] = {}


_waiting = _Waiting()
os.register_at_fork(after_in_child=_waiting.start_over)


def watch(database: peewee.Database, slow_ms: int) -> None:
    """Note every statement of this process that takes longer; 0 notes none. Costs a microsecond each."""
    if slow_ms:
        database.query_hooks.append(lambda event: _note(event, slow_ms))


def shape_of(sql: str) -> str:
    """A statement without its values, so that all of a kind are one: `IN (?, ...)`, whatever their number."""
    text = _MARK.sub("?", _NUMBER.sub("?", _TEXT.sub("?", sql)))
    text = _ROWS.sub("(?, ...), ...", _LIST.sub("?, ...", " ".join(text.split())))
    return text[:_MOST_CHARACTERS]


def flush() -> None:
    """Add what waits to the totals, in a transaction of its own; put back when that fails."""
    with _waiting.lock:
        taken, _waiting.seen = _waiting.seen, {}
    if not taken:
        return
    try:
        with db.writing():
            _write(taken)
    except BaseException:
        with _waiting.lock:
            for shape, seen in taken.items():
                _add(shape, seen)
        raise


def slowest(most: int) -> Sequence[Any]:
    """The shapes that cost most time in all, as rows of the table."""
    return list(SlowQuery.select().order_by(SlowQuery.total_ms.desc(), SlowQuery.shape).limit(most))


def forget(before: int) -> None:
    """Remove shapes that were not slow any more since then."""
    with db.writing():
        SlowQuery.delete().where(SlowQuery.last_at < before).execute()


def _note(event: Any, slow_ms: int) -> None:
    took_ms = 1_000 * event.duration
    if took_ms < slow_ms or not event.sql:
        return
    counters.count("botwatch_slow_queries_total")
    with _waiting.lock:
        _add(shape_of(event.sql), Seen(1, took_ms, took_ms, clock.now()))


def _add(shape: str, seen: Seen) -> None:
    known = _waiting.seen.get(shape)
    if known is not None:
        known.runs += seen.runs
        known.total_ms += seen.total_ms
        known.worst_ms = max(known.worst_ms, seen.worst_ms)
        known.last_at = max(known.last_at, seen.last_at)
    elif len(_waiting.seen) < _MOST_WAITING:
        _waiting.seen[shape] = seen


def _write(taken: dict[str, Seen]) -> None:
    greatest = "GREATEST" if db.is_postgresql() else "MAX"
    rows = [
        (shape, seen.runs, seen.total_ms, seen.worst_ms, seen.last_at)
        for shape, seen in sorted(taken.items())
    ]
    db.insert_rows(
        SlowQuery,
        ("shape", "runs", "total_ms", "worst_ms", "last_at"),
        rows,
        "ON CONFLICT (shape) DO UPDATE SET runs = slow_query.runs + excluded.runs, "
        "total_ms = slow_query.total_ms + excluded.total_ms, "
        f"worst_ms = {greatest}(slow_query.worst_ms, excluded.worst_ms), last_at = excluded.last_at",
    )
