"""Removes months whose every row is due: at once, instead of row by row. There are such on PostgreSQL alone.

A month is written to the archive first, in steps that are remembered; it leaves when all of it is there.
"""

import time
from collections.abc import Iterator
from typing import Any

from .. import counters, db, models, partitions
from ..config import Keep
from ..partitions import Month
from .archive import Archive
from .declared import Rule
from .places import Place
from .steps import Progress, note_hours

_AT_ONCE = 1_000


def prune_months(rule: Rule, keep: Keep, now: int, archive: Archive) -> Iterator[Progress]:
    """A step for each part of a month that is written down, and one with its rows when it leaves.

    Raises OperationalError when somebody reads a month for so long that it can't leave; safe to repeat.
    """
    for month in partitions.months(rule.model._meta.table_name):
        if _is_due(rule.model, month, rule.cutoff(keep, now)):
            yield from _remove(rule, month, archive)


def _is_due(model: Any, month: Month, cutoff: int) -> bool:
    newest = _rows(model, month).order_by(model.id.desc()).first()
    # Nearly always the newest one tells. Only then all are looked through, for a clock that was set back.
    if newest is None or newest.received_at >= cutoff:
        return False
    return not _rows(model, month).where(model.received_at >= cutoff).exists()


def _remove(rule: Rule, month: Month, archive: Archive) -> Iterator[Progress]:
    model, place = rule.model, Place(f"written_to.{month.name}")
    while ids := _next_ids(model, month, place.at):
        chosen = _is_inside(model, month) & (model.id > place.at) & (model.id <= ids[-1])
        archive.add(rule, chosen)
        with db.writing():
            if model is models.Message:
                note_hours(chosen)
            place.move(ids[-1])
        yield Progress(rule.name, 0, 0.0)
    started = time.monotonic()
    rows = partitions.empty(month, place.at) or 0
    place.forget()
    counters.count("botwatch_pruned_rows_total", rows, table=model._meta.table_name)
    yield Progress(rule.name, rows, time.monotonic() - started)


def _next_ids(model: Any, month: Month, after: int) -> list[int]:
    asked = _rows(model, month).where(model.id > after).order_by(model.id).limit(_AT_ONCE)
    return [row.id for row in asked]


def _rows(model: Any, month: Month) -> Any:
    return model.select(model.id, model.received_at).where(_is_inside(model, month))


def _is_inside(model: Any, month: Month) -> Any:
    return (model.occurred_at >= month.start) & (model.occurred_at < month.end)
