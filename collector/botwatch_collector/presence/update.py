"""Stores what bots say of their users' presence, inside the transaction that stores the events.

Only what is news becomes a row that the stream tells; of a user who is hidden, nothing does.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from .. import db, models
from ..config import Timeouts
from .standing import Standing, Update, is_new_status, is_new_typing, merged, status_at

FRAMES = 2
"""So many ids an update takes: it may tell a status, and that the user is typing."""

_USERS_AT_ONCE = 500

Key = tuple[int, str]
Standings = dict[Key, Standing]


def apply(updates: Iterable[Update], timeouts: Timeouts) -> None:
    """Needs the transaction in which the updates' ids were reserved: it keeps others from the same users."""
    heard = list(updates)
    standings = known({(update.bot_id, update.user_id) for update in heard})
    told: list[models.Presence] = []
    hidden: set[Key] = set()
    for update in heard:
        key = (update.bot_id, update.user_id)
        before = standings.get(key, Standing(*key))
        after = merged(before, update, timeouts)
        if before.show_status and not after.show_status:
            hidden.add(key)
            told = [row for row in told if (row.bot_id, row.user_id) != key]
        standings[key], news = _news(before, after, update, timeouts)
        told += news
    for bot_id, user_id in hidden:
        _take_back(bot_id, user_id)
    tell(told)
    keep(standings.values())


def known(keys: Iterable[Key]) -> Standings:
    """How these users stand; who was never heard of is left out."""
    by_bot: dict[int, list[str]] = {}
    for bot_id, user_id in keys:
        by_bot.setdefault(bot_id, []).append(user_id)
    rows = (row for bot_id, users in by_bot.items() for row in _rows(bot_id, users))
    return {(row.bot_id, row.user_id): row for row in rows}


def keep(standings: Iterable[Standing]) -> None:
    """Write them down as they are now."""
    names = Standing._fields
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("bot_id", "user_id"))
    then = f"ON CONFLICT (bot_id, user_id) DO UPDATE SET {changes}"
    db.insert_rows(models.PresenceNow, names, list(standings), then)


def tell(rows: Iterable[models.Presence]) -> None:
    """Store what the stream tells."""
    names = models.Presence._meta.sorted_field_names
    db.insert_rows(models.Presence, names, [[getattr(row, name) for name in names] for row in rows])


def change(kind: str, id: int, standing: Standing, *, occurred_at: int, received_at: int) -> models.Presence:
    """The row of a change. Of who hides, it has nothing but that."""
    row = models.Presence(
        id=id,
        bot_id=standing.bot_id,
        user_id=standing.user_id,
        change=kind,
        occurred_at=occurred_at,
        received_at=received_at,
    )
    if kind != "hidden":
        row.user_name, row.page, row.device = standing.user_name, standing.page, standing.device
        row.seen_at = standing.seen_at or None
    if kind == "status":
        row.status, row.message = standing.told, standing.message
    if kind == "typing":
        row.typing_until = standing.typing_until
    return row


def _news(
    before: Standing, after: Standing, update: Update, timeouts: Timeouts
) -> tuple[Standing, list[models.Presence]]:
    """The standing with what is told of it, and the rows that tell it."""
    times = {"occurred_at": update.occurred_at, "received_at": update.received_at}
    if not after.show_status:
        after = after._replace(told="offline")
        return after, [change("hidden", update.id, after, **times)] if before.show_status else []
    rows = []
    if is_new_status(before, after, update.received_at, timeouts):
        after = after._replace(told=status_at(after.status, after.seen_at, update.received_at, timeouts))
        rows.append(change("status", update.id, after, **times))
    if is_new_typing(before, after, update):
        rows.append(change("typing", update.id + 1, after, **times))
    return after, rows


def _take_back(bot_id: int, user_id: str) -> None:
    """What was told before is not told again to those who come back."""
    row = models.Presence
    row.delete().where(row.bot_id == bot_id, row.user_id == user_id).execute()


def _rows(bot_id: int, users: list[str]) -> Iterator[Standing]:
    now: Any = models.PresenceNow
    columns = [getattr(now, name) for name in Standing._fields]
    for start in range(0, len(users), _USERS_AT_ONCE):
        chunk = users[start : start + _USERS_AT_ONCE]
        yield from map(
            Standing._make, now.select(*columns).where(now.bot_id == bot_id, now.user_id.in_(chunk)).tuples()
        )
