"""Removes what is older than it is kept, in steps so small that ingest hardly waits for one.

The age counts from when a row came here: history that is sent today isn't pruned tonight. Rollups stay. A
step that was interrupted is done again; one that was done finds nothing.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from .. import counters, db, message_index, models, rollups
from ..config import Config, Keep
from ..lifecycle import stopping
from .archive import Archive
from .declared import RULES, Rule
from .places import Place
from .steps import Progress, note_hours
from .whole import prune_months

_WHILE_S = 20.0
_LONG_S, _SHORT_S = 0.010, 0.005
"""How long a step should hold the right to write: ingest may wait for it."""
_REST_S = 0.01
_FEWEST, _MOST = 20, 1_000


def prune_for_a_while(config: Config, now: int) -> bool:
    """The job: prune for some seconds; whether more is left."""
    deadline = time.monotonic() + _WHILE_S
    return any(stopping.is_set() or time.monotonic() > deadline for _ in prune(config, now))


def prune(config: Config, now: int, *, rest: Callable[[float], object] = time.sleep) -> Iterator[Progress]:
    """Step by step until nothing is due any more; `rest` gives ingest its turn between two steps."""
    rollups.catch_up()
    with Archive(config.archive, now) as archive:
        for rule in RULES:
            yield from prune_months(rule, config.keep, now, archive)
            yield from _prune_rule(rule, config.keep, now, archive, rest)


def due(keep: Keep, now: int) -> dict[str, int]:
    """How many rows of each rule would leave now. Looks at all rows that are old."""
    found = {}
    for rule in RULES:
        old = rule.model.select().where(rule.model.received_at < rule.cutoff(keep, now))
        found[rule.name] = int((old if rule.spares is None else old.where(~rule.spares)).count())
    return found


def _prune_rule(
    rule: Rule, keep: Keep, now: int, archive: Archive, rest: Callable[[float], object]
) -> Iterator[Progress]:
    cutoff, rows = rule.cutoff(keep, now), _FEWEST
    # Rules that spare rows remember how far they came, so as not to look at these every time.
    place = Place(f"pruned_to.{rule.name}" if rule.spares is not None else None)
    while old := _old_rows(rule, place.at, cutoff, now, rows):
        chosen = (rule.order > place.at) & (rule.order <= old[-1]) & (rule.model.received_at < cutoff)
        if rule.spares is not None:
            chosen &= ~rule.spares
        if rule.is_archived:
            archive.add(rule, chosen)
        held_s, removed = _remove(rule, chosen, place, old[-1])
        counters.count("botwatch_pruned_rows_total", removed, table=rule.model._meta.table_name)
        yield Progress(rule.name, removed, held_s)
        rows = _fitting(rows, held_s)
        rest(max(_REST_S, 2 * held_s))


def _old_rows(rule: Rule, after: int, cutoff: int, now: int, rows: int) -> list[int]:
    """Where the old ones stand among the next rows; none when these are all young enough.

    Rows of the future came under a wrong clock, and must not make it look as if all after them were young.
    """
    model: Any = rule.model
    found = (
        model.select(rule.order, model.received_at)
        .where(rule.order > after, model.received_at <= now)
        .order_by(rule.order)
        .limit(rows)
    )
    return [at for at, received_at in found.tuples() if received_at < cutoff]


def _remove(rule: Rule, chosen: Any, place: Place, upto: int) -> tuple[float, int]:
    with db.writing():
        started = time.monotonic()
        if rule.model is models.Message:
            note_hours(chosen)
            message_index.remove(chosen)
        removed: int = rule.model.delete().where(chosen).execute()
        place.move(upto)
    return time.monotonic() - started, removed


def _fitting(rows: int, held_s: float) -> int:
    if held_s > _LONG_S:
        return max(_FEWEST, rows // 2)
    return min(_MOST, rows * 2) if held_s < _SHORT_S else rows
