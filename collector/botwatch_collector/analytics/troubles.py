"""What goes wrong in bots of late: uncaught errors, each kind once, and what hangs or hung."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from peewee import fn

from .. import db
from ..clock import DAY, iso
from ..models import Activity, Bot, Instance
from .bots import BotState
from .sql import select

SPAN_MS = DAY
MOST_SHOWN = 20
_NEWEST = 1_000
"""So many errors, and events of hangs, of each bot are looked at: a bot that always fails costs no more."""


class ErrorKind(msgspec.Struct, frozen=True):
    """Errors of one type from one line. Of the bot's newest 1,000 errors in 24 hours, `count` are like this.

    `handler`, `message` and `stack` are those of the last one.
    """

    bot: str
    type: str
    place: str | None
    count: int
    first_at: str
    last_at: str
    handler: str | None
    message: str | None
    stack: list[str]


class Hang(msgspec.Struct, frozen=True):
    """An event loop or a handler that stands still, or did; lost when its instance went before the end."""

    bot: str
    instance: str
    host: str | None
    pid: int | None
    what: str | None
    state: Literal["hanging", "over", "lost"]
    place: str | None
    function: str | None
    since: str
    blocked_ms: int
    stack: list[str]


def errors(bots: Sequence[int], now: int) -> list[ErrorKind]:
    """The kinds of the last 24 hours, those seen last first."""
    kinds = [kind for bot in bots for kind in _kinds(bot, now)]
    kinds.sort(key=lambda kind: kind[2], reverse=True)
    kinds = kinds[:MOST_SHOWN]
    # Not by bot as well: SQLite would look through all that the bots ever did.
    last = _activities(Activity.id.in_([last_id for *_, last_id in kinds]))
    rows = {row.id: row for row in last}
    return [_error(rows[last_id], *figures) for *figures, last_id in kinds if last_id in rows]


def hangs(bots: Sequence[int], states: Sequence[BotState], now: int) -> list[Hang]:
    """Of the last 24 hours, the newest first. A hang is told while it lasts and after it: that is one."""
    alive = {(bot.name, one.name) for bot in states for one in bot.instances if one.state in ("up", "late")}
    told = [row for bot in bots for row in _blocked(bot, now)]
    told.sort(key=lambda row: row.id)
    each = {
        (row.instance_id, row.entity_type, _detail(row, "since"), _detail(row, "place")): row for row in told
    }
    newest = sorted(each.values(), key=lambda row: row.occurred_at, reverse=True)
    return [_hang(row, (row.bot, row.instance) in alive) for row in newest[:MOST_SHOWN]]


def _kinds(bot: int, now: int) -> list[Any]:
    """Count, first and last time, and last id of each type and place."""
    place = db.json_text(Activity.details, "place").alias("place")
    newest = (
        Activity.select(Activity.id, Activity.occurred_at, Activity.action, place)
        .where(Activity.bot_id == bot, Activity.category == "error", Activity.occurred_at > now - SPAN_MS)
        .order_by(Activity.occurred_at.desc())
        .limit(_NEWEST)
    ).alias("newest")
    at, last_at = newest.c.occurred_at, fn.MAX(newest.c.occurred_at)
    kinds = select(newest, fn.COUNT(at), fn.MIN(at), last_at, fn.MAX(newest.c.id))
    kinds = kinds.group_by(newest.c.action, newest.c.place).order_by(last_at.desc())
    return list(kinds.limit(MOST_SHOWN))


def _blocked(bot: int, now: int) -> Any:
    blocked = (
        (Activity.bot_id == bot)
        & (Activity.action == "blocked")
        & (Activity.category == "performance")
        & (Activity.occurred_at > now - SPAN_MS)
    )
    return _activities(blocked).order_by(Activity.occurred_at.desc()).limit(_NEWEST)


def _activities(condition: Any) -> Any:
    instance = (Instance.bot_id == Activity.bot_id) & (Instance.id == Activity.instance_id)
    return (
        Activity.select(
            Activity.id,
            Activity.occurred_at,
            Activity.instance_id,
            Activity.action,
            Activity.status,
            Activity.entity_type,
            Activity.entity_id,
            Activity.duration_ms,
            Activity.details,
            Bot.name.alias("bot"),
            Instance.name.alias("instance"),
            Instance.host,
            Instance.pid,
        )
        .join(Bot, on=(Bot.id == Activity.bot_id))
        .join(Instance, on=instance)
        .where(condition)
        .namedtuples()
    )


def _error(row: Any, count: int, first_at: int, last_at: int) -> ErrorKind:
    return ErrorKind(
        row.bot,
        row.action,
        _text(row, "place"),
        count,
        iso(first_at),
        iso(last_at),
        row.entity_id,
        _text(row, "message"),
        _stack(row),
    )


def _hang(row: Any, is_alive: bool) -> Hang:
    since, ended = _detail(row, "since"), row.status != "hanging"
    blocked_ms = row.duration_ms or 0
    begun_at = since if type(since) is int and 0 <= since <= row.occurred_at else row.occurred_at - blocked_ms
    return Hang(
        row.bot,
        row.instance,
        row.host,
        row.pid,
        row.entity_type,
        "over" if ended else "hanging" if is_alive else "lost",
        _text(row, "place"),
        row.entity_id,
        iso(max(begun_at, 0)),
        blocked_ms,
        _stack(row),
    )


def _detail(row: Any, name: str) -> Any:
    value = (row.details or {}).get(name)
    return value if isinstance(value, str | int) else None


def _text(row: Any, name: str) -> str | None:
    """Details may hold anything: other clients write them too."""
    value = _detail(row, name)
    return value if isinstance(value, str) else None


def _stack(row: Any) -> list[str]:
    stack = (row.details or {}).get("stack")
    return [line for line in stack if isinstance(line, str)] if isinstance(stack, list) else []
