"""Incidents: begun and ended once, whoever tries, and what is told of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from peewee import JOIN, fn

from .. import db, models
from ..clock import iso
from ..errors import NotFound
from ..models import Bot, Incident, IncidentChange, IncidentWatch
from .rules import BY_NAME, Reading, Rule, Severity

_CHANGED = ("bot_id", "rule", "subject", "severity", "message", "details", "opened_at")


class Alert(msgspec.Struct, frozen=True):
    """An incident. `subject` is what of the bot is concerned, empty for the bot as a whole.

    Where it ended by itself, nobody is `resolved_by`.
    """

    id: int
    rule: str
    title: str
    bot: str
    subject: str
    severity: Severity
    message: str
    opened_at: str
    resolved_at: str | None
    resolved_by: str | None
    details: dict[str, Any]


class ActiveAlerts(msgspec.Struct, frozen=True):
    """What is wrong at present, the newest first; at most 1,000 of `count`."""

    at: str
    count: int
    alerts: list[Alert]


MOST = 1_000


def active(bots: Sequence[int], now: int) -> ActiveAlerts:
    """Those that aren't resolved."""
    is_open = Incident.bot_id.in_(bots) & Incident.resolved_at.is_null()
    count = int(Incident.select().where(is_open).count())
    return ActiveAlerts(iso(now), count, _told(is_open, Incident.opened_at, MOST))


def history(bots: Sequence[int], limit: int) -> list[Alert]:
    """Those that are over, the last one first."""
    return _told(Incident.bot_id.in_(bots) & Incident.resolved_at.is_null(False), Incident.resolved_at, limit)


def counts(bots: Sequence[int]) -> Mapping[tuple[int, Severity], int]:
    """How many are open, by bot and severity, those there are."""
    query: Any = (
        Incident.select(Incident.bot_id, Incident.severity, fn.COUNT(Incident.id))
        .where(Incident.bot_id.in_(bots), Incident.resolved_at.is_null())
        .group_by(Incident.bot_id, Incident.severity)
        .tuples()
    )
    return {(bot_id, severity): count for bot_id, severity, count in query}


def resolve(id: int, bots: Sequence[int], by: str, now: int) -> Alert:
    """End one by hand. It begins anew only after the condition has ended. Safe to repeat: the first counts.

    Raises NotFound for one that isn't there or of other bots.
    """
    is_it = (Incident.id == id) & Incident.bot_id.in_(bots)
    with db.writing():
        change_id = models.EventSequence.reserve(1)
        is_open = is_it & Incident.resolved_at.is_null()
        if Incident.update(resolved_at=now, resolved_by=by).where(is_open).execute():
            row: Any = Incident.get(is_it)
            _dismiss(row, now)
            _tell(row, change_id, now)
            db.announce()
    found = _told(is_it, Incident.id, 1)
    if not found:
        raise NotFound(f"no alert {id}")
    return found[0]


def begin(bot_id: int, rule: Rule, reading: Reading, id: int, now: int) -> None:
    """Open it and tell it under this id, unless one is open. Needs the transaction that reserved the id."""
    row = Incident(
        id=id,
        bot_id=bot_id,
        rule=rule.name,
        subject=reading.subject,
        severity=rule.severity,
        message=reading.message,
        details={name: value for name, value in reading.details.items() if value is not None},
        opened_at=now,
    )
    if Incident.insert(**row.__data__).on_conflict_ignore().as_rowcount().execute():
        _tell(row, id, now)


def end(bot_id: int, rule: str, subject: str, id: int, now: int) -> None:
    """Resolve it by itself and tell it under this id, if it is open."""
    is_it = (Incident.bot_id == bot_id) & (Incident.rule == rule) & (Incident.subject == subject)
    row: Any = Incident.get_or_none(is_it, Incident.resolved_at.is_null())
    if row is None:
        return
    is_open = (Incident.bot_id == bot_id) & (Incident.id == row.id) & Incident.resolved_at.is_null()
    if Incident.update(resolved_at=now).where(is_open).execute():
        row.resolved_at = now
        _tell(row, id, now)


def _dismiss(row: Any, now: int) -> None:
    watch: Any = IncidentWatch
    is_its = (watch.bot_id == row.bot_id) & (watch.rule == row.rule) & (watch.subject == row.subject)
    watch.update(state="dismissed", since=now).where(is_its).execute()


def _tell(row: Any, id: int, now: int) -> None:
    IncidentChange.insert(
        id=id,
        incident_id=row.id,
        received_at=now,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        **{name: getattr(row, name) for name in _CHANGED},
    ).execute()


def _told(condition: Any, newest: Any, limit: int) -> list[Alert]:
    columns = [getattr(Incident, name) for name in Incident._meta.sorted_field_names]
    rows: Any = (
        Incident.select(*columns, Bot.name.alias("bot"))
        .join(Bot, JOIN.INNER, on=(Bot.id == Incident.bot_id))
        .where(condition)
        .order_by(newest.desc(), Incident.id.desc())
        .limit(limit)
        .namedtuples()
    )
    return [_alert(row) for row in rows]


def _alert(row: Any) -> Alert:
    rule = BY_NAME.get(row.rule)
    return Alert(
        id=row.id,
        rule=row.rule,
        title=rule.title if rule else row.rule,
        bot=row.bot,
        subject=row.subject,
        severity=row.severity,
        message=row.message,
        opened_at=iso(row.opened_at),
        resolved_at=None if row.resolved_at is None else iso(row.resolved_at),
        resolved_by=row.resolved_by,
        details=row.details,
    )
