"""The job that asks all rules: safe on any number of hosts, for each step is whoever's row it changes."""

from dataclasses import dataclass
from typing import Any

from .. import db, models
from ..clock import SECOND
from ..config import Config
from . import incidents
from .facts import facts
from .rules import BY_NAME, RULES, Facts, Reading, Rule
from .state import OK, Watch, next_watch

JOB = "alerts"
AWAY_S = 60
"""Longer between two looks, the collector was away: what had begun before has to hold anew."""

Key = tuple[int, str, str]


@dataclass(frozen=True)
class Step:
    """A watch that goes from one state to the next."""

    bot_id: int
    rule: Rule
    reading: Reading
    before: Watch
    after: Watch


def look(_config: Config, now: int) -> bool:
    """Ask once; never more to do."""
    found = steps(facts(now), now, was_away=_was_away(now))
    if found:
        with db.writing():
            # One id for each that may have something to tell, reserved first: it keeps others out.
            first_id = models.EventSequence.reserve(len(found))
            for id, step in enumerate(found, first_id):
                _take(step, id, now)
            db.announce()
    return False


def steps(found: list[Facts], now: int, *, was_away: bool = False) -> list[Step]:
    """What is to change by these facts. What is no longer heard of, such as a check that was, is well."""
    watches = _watches()
    readings = {
        (one.bot_id, rule.name, reading.subject): reading
        for one in found
        for rule in RULES
        for reading in rule.read(one)
    }
    gone = {key: Reading(0, "", key[2]) for key in watches if key not in readings and key[1] in BY_NAME}
    return [
        step
        for key, reading in (readings | gone).items()
        if (step := _step(key, reading, watches.get(key, OK), now, was_away=was_away))
    ]


def _step(key: Key, reading: Reading, before: Watch, now: int, *, was_away: bool) -> Step | None:
    bot_id, name, _ = key
    rule = BY_NAME[name]
    held = before._replace(since=now) if was_away and before.state in ("pending", "clearing") else before
    after = next_watch(held, reading.value, rule.limits, now)
    return Step(bot_id, rule, reading, before, after) if after != before else None


def _take(step: Step, id: int, now: int) -> None:
    if not _move(step):
        return
    if step.after.state == "firing" and step.before.state in ("ok", "pending"):
        incidents.begin(step.bot_id, step.rule, step.reading, id, now)
    elif step.after.state == "ok" and step.before.state in ("firing", "clearing"):
        incidents.end(step.bot_id, step.rule.name, step.reading.subject, id, now)


def _move(step: Step) -> bool:
    """Whether it was us who changed it: whoever finds it changed already does nothing."""
    row: Any = models.IncidentWatch
    key = {"bot_id": step.bot_id, "rule": step.rule.name, "subject": step.reading.subject}
    if step.before == OK:
        new = row.insert(**key, state=step.after.state, since=step.after.since)
        return bool(new.on_conflict_ignore().as_rowcount().execute())
    is_it = (
        (row.bot_id == step.bot_id)
        & (row.rule == step.rule.name)
        & (row.subject == step.reading.subject)
        & (row.state == step.before.state)
        & (row.since == step.before.since)
    )
    if step.after == OK:
        return bool(row.delete().where(is_it).execute())
    return bool(row.update(state=step.after.state, since=step.after.since).where(is_it).execute())


def _watches() -> dict[Key, Watch]:
    row: Any = models.IncidentWatch
    rows = row.select(row.bot_id, row.rule, row.subject, row.state, row.since).tuples()
    return {(bot_id, rule, subject): Watch(state, since) for bot_id, rule, subject, state, since in rows}


def _was_away(now: int) -> bool:
    last: Any = models.Job.select(models.Job.succeeded_at).where(models.Job.name == JOB).scalar()
    return last is not None and now - last > AWAY_S * SECOND
