"""Answers who is there, and leaves out who is hidden: everything that reads presence asks here.

A user whom several bots know is where they were seen last.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import peewee
from peewee import fn

from ..clock import DAY, HOUR, MINUTE, SECOND, iso
from ..config import Timeouts
from ..errors import NotFound
from ..models import Bot, PresenceNow
from .standing import Status, status_at

_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))
_JUST_NOW_MS = 5 * SECOND


class PresenceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A user's presence; `last_seen` is null before the first time. Who hides has nothing but an id."""

    user_id: str = msgspec.field(name="userId")
    bot: str | None = None
    user_name: str | None = None
    online_status: Status | None = None
    last_seen: str | None = None
    last_seen_text: str | None = None
    custom_message: str | None = None
    typing: bool | None = None
    current_page: str | None = None
    device: str | None = None
    show_status: bool


class UsersOnline(msgspec.Struct, frozen=True):
    """Everybody who isn't offline, seen last first; `count` is all of them, `users` as many as `limit`."""

    at: str
    count: int
    users: list[PresenceInfo]


def online(bots: Sequence[int], now: int, timeouts: Timeouts, limit: int) -> UsersOnline:
    """Costs an index's rows of those who are online."""
    people: dict[str, Any] = {}
    for row in _with_bots(_is_online(bots, now, timeouts)).order_by(
        PresenceNow.seen_at.desc(), PresenceNow.user_id
    ):
        people.setdefault(row.user_id, row)
        if len(people) == limit:
            break
    everybody: Any = PresenceNow.select(fn.COUNT(fn.DISTINCT(PresenceNow.user_id)))
    count = int(everybody.where(_is_online(bots, now, timeouts)).scalar())
    return UsersOnline(iso(now), count, [_info(row, now, timeouts) for row in people.values()])


def person(user_id: str, bots: Sequence[int], now: int, timeouts: Timeouts) -> PresenceInfo:
    """Raises NotFound for who was never there."""
    of_user = PresenceNow.bot_id.in_(bots) & (PresenceNow.user_id == user_id)
    row = _with_bots(of_user & _is_visible()).order_by(PresenceNow.seen_at.desc()).first()
    if row is not None:
        return _info(row, now, timeouts)
    if PresenceNow.select().where(of_user).exists():
        return PresenceInfo(user_id=user_id, show_status=False)
    raise NotFound(f"no presence of a user {user_id!r}")


def counts(bots: Sequence[int], now: int, timeouts: Timeouts) -> Mapping[tuple[int, Status], int]:
    """How many of each bot's users are online, away, busy or dnd; by bot and status, those there are."""
    is_away = (PresenceNow.status == "online") & (PresenceNow.seen_at <= now - timeouts.away_s * SECOND)
    status = peewee.Case(None, [(is_away, "away")], PresenceNow.status)
    query: Any = (
        PresenceNow.select(PresenceNow.bot_id, status.alias("present"), fn.COUNT(PresenceNow.user_id))
        .where(_is_online(bots, now, timeouts))
        .group_by(PresenceNow.bot_id, peewee.SQL("present"))
        .tuples()
    )
    return {(bot_id, present): count for bot_id, present, count in query}


def hidden_users(bots: Sequence[int], user_ids: Collection[str]) -> set[str]:
    """Which of them hide from any of these bots when they were seen."""
    asked: Any = PresenceNow.select(PresenceNow.user_id).where(
        PresenceNow.bot_id.in_(bots), PresenceNow.user_id.in_(user_ids), ~_is_visible()
    )
    return {user_id for (user_id,) in asked.tuples()} if user_ids else set()


def _is_visible() -> Any:
    return PresenceNow.show_status == True  # noqa: E712 - a condition in SQL


def _is_online(bots: Sequence[int], now: int, timeouts: Timeouts) -> Any:
    return (
        PresenceNow.bot_id.in_(bots)
        & (PresenceNow.seen_at > now - timeouts.offline_s * SECOND)
        & (PresenceNow.status != "offline")
        & _is_visible()
    )


def _with_bots(condition: Any) -> Any:
    names = [getattr(PresenceNow, name) for name in PresenceNow._meta.sorted_field_names]
    query: Any = PresenceNow.select(*names, Bot.name.alias("bot"))
    return query.join(Bot, on=(Bot.id == PresenceNow.bot_id)).where(condition).namedtuples()


def _info(row: Any, now: int, timeouts: Timeouts) -> PresenceInfo:
    return PresenceInfo(
        user_id=row.user_id,
        bot=row.bot,
        user_name=row.user_name,
        online_status=status_at(row.status, row.seen_at, now, timeouts),
        last_seen=iso(row.seen_at) if row.seen_at else None,
        last_seen_text=ago(now - row.seen_at) if row.seen_at else "never",
        custom_message=row.message,
        typing=row.typing_until > now,
        current_page=row.page,
        device=row.device,
        show_status=True,
    )


def ago(ms: int) -> str:
    """As a person says it: "5 minutes ago"."""
    if ms < _JUST_NOW_MS:
        return "just now"
    length, unit = next((length, unit) for length, unit in _UNITS if ms >= length)
    count = ms // length
    return f"{count} {unit}{'s' if count > 1 else ''} ago"
