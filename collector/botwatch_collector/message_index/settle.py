"""Merges what the index has written, in steps, for ingest to go on between them.

A part that is full becomes one segment: quick to search, and without the words that were removed from it.
One without messages goes.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from .. import db
from ..lifecycle import stopping
from . import parts
from .parts import Part

_WHILE_S = 2.0
_LEAST_REST_S, _MOST_REST_S = 0.01, 1.0
_REST = 9
"""How much longer than a step took, with the wait for its turn: ingest may need nearly all of the time."""


def settle_for_a_while() -> bool:
    """The job: merge for some seconds; whether more is left."""
    if db.is_postgresql():
        return False
    deadline = time.monotonic() + _WHILE_S
    return any(stopping.is_set() or time.monotonic() > deadline for _ in settle())


def settle(*, rest: Callable[[float], object] = stopping.wait) -> Iterator[None]:
    """Step by step until no full part has anything to merge; `rest` gives ingest its turn between two."""
    for part, after in pairwise(parts.parts()):
        step = _next_step(part, after)
        while step is not None:
            started = time.monotonic()
            step = step if step(part) else None
            yield
            took_s = time.monotonic() - started
            rest(min(max(_LEAST_REST_S, _REST * took_s), _MOST_REST_S))


def take_pending() -> None:
    """Put into PostgreSQL's index what it has set aside.

    A commit has to do it, for 50 to 100 ms, once that is 4 MB.
    """
    if db.is_postgresql():
        clean = "SELECT gin_clean_pending_list(inhrelid::regclass) FROM pg_inherits"
        db.database.execute_sql(f"{clean} WHERE inhparent = 'message_terms'::regclass")


def compact() -> None:
    """Take out of the index for good what was removed from it: its segments may hold the words until then.

    In steps, for ingest to go on between them. PostgreSQL makes the index anew, beside the old one.
    """
    if db.is_postgresql():
        for name in _indexes():
            db.database.cursor().execute(f"REINDEX INDEX CONCURRENTLY {name}")
        return
    for part in parts.parts():
        while _merge_some(part):
            time.sleep(_LEAST_REST_S)


def _next_step(part: Part, after: Part) -> Callable[[Part], bool] | None:
    if part.is_settled and part.first_at is not None:
        return None
    if _is_empty(part, after):
        return _drop_some
    # FTS5 goes on merging it as it always did.
    return None if part.is_large else _merge_some


def _is_empty(part: Part, after: Part) -> bool:
    """None come again: ids only grow."""
    ids = (part.first_id, after.first_id)
    found = db.database.execute_sql("SELECT 1 FROM message WHERE id >= ? AND id < ? LIMIT 1", ids)
    return found.fetchone() is None


def _merge_some(part: Part) -> bool:
    """Whether there is more."""
    with db.writing():
        present = parts.find(part.first_id)
        if present is None or present.is_settled:
            return False
        if parts.merge(present, -parts.PAGES):
            return True
        parts.mark(present, is_settled=True)
        return False


def _drop_some(part: Part) -> bool:
    """Whether there is more."""
    with db.writing():
        present = parts.find(part.first_id)
        if present is None:
            return False
        if present.first_at is None:
            return parts.drop_some(present)
        parts.leave(present)
        return True


def _indexes() -> list[str]:
    """One for each part of the table: Citus makes no divided one anew as a whole."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_terms'::regclass"
    return [name for (name,) in db.database.execute_sql(query).fetchall()]
