"""Who writes most."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import peewee
from peewee import fn

from ..clock import iso
from ..models import BotUser, Message, UserCounts, UserDay, UserHour, UserMonth, UserYear
from ..presence import hidden_users
from .busiest import SHORTEST_MS, candidates
from .counts import counts, extent
from .cursors import PageCursor
from .remembered import remembered
from .sql import select, stacked
from .window import DAY, EVER, FOREVER, HOUR, MONTH, YEAR, Part, Unit, Window

_TABLES: dict[Unit, type[UserCounts]] = {
    YEAR: UserYear,
    MONTH: UserMonth,
    DAY: UserDay,
    HOUR: UserHour,
}


class TopUser(msgspec.Struct, frozen=True):
    """`messages` and `last_seen` are of the window; `user_name` is the latest name known.

    Who hides their presence was last seen never, as far as anybody is told.
    """

    user_id: str
    user_name: str | None
    messages: int
    last_seen: str | None


class TopUsers(msgspec.Struct, frozen=True):
    """Most messages first, then by the code points of the id. `next` asks for the page after; null: none."""

    users: list[TopUser]
    next: str | None


class Cursor(PageCursor, frozen=True, array_like=True):
    """The last row of a page."""

    messages: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    # No text in the database holds U+0000, and PostgreSQL can't be asked for one.
    user_id: Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]


def top_users(bots: Sequence[int], window: Window, limit: int, after: Cursor | None = None) -> TopUsers:
    """A page of at most `limit` people. Somebody who writes to two bots under one id is one person."""
    rows = remembered(
        "top_users",
        bots,
        window,
        counts(bots, window),
        lambda: _rows(bots, window, limit + 1, after),
        limit,
        after,
    )
    shown = [user_id for user_id, *_ in rows[:limit]]
    names, hidden = user_names(bots, shown), hidden_users(bots, shown)
    page = [
        TopUser(user_id, names.get(user_id), messages, None if user_id in hidden else iso(last_at))
        for user_id, messages, last_at in rows[:limit]
    ]
    if len(rows) <= limit:
        return TopUsers(page, None)
    last = page[-1]
    return TopUsers(page, Cursor(window.start, window.end, last.messages, last.user_id).text())


def user_names(bots: Sequence[int], user_ids: Sequence[str]) -> dict[str, str | None]:
    """The name that each last wrote under, to any of the bots."""
    if not bots or not user_ids:
        return {}
    # Oldest first, so that the newest stays.
    query: Any = (
        BotUser.select(BotUser.user_id, BotUser.user_name)
        .where(BotUser.bot_id.in_(bots), BotUser.user_id.in_(user_ids))
        .order_by(BotUser.named_at)
    )
    return dict(query.tuples())


def _rows(
    bots: Sequence[int], window: Window, limit: int, after: Cursor | None
) -> tuple[tuple[str, int, int], ...]:
    """Id, messages and the last time within the window."""
    most = _most(bots, window, limit, after)
    last_at = _last_at(bots, window, [user_id for user_id, _ in most])
    # Who was forgotten in between has none.
    return tuple((user_id, messages, last_at[user_id]) for user_id, messages in most if user_id in last_at)


def _most(bots: Sequence[int], window: Window, limit: int, after: Cursor | None) -> list[tuple[str, int]]:
    known = extent(bots, Window(0, FOREVER))
    parts = window.sums((EVER, *_TABLES), known) if known else []
    if not known or not parts:
        return []
    is_long = after is None and window.length >= SHORTEST_MS
    chosen = candidates(bots, window.cut(known), limit) if is_long else None
    rows = stacked([_messages(bots, part, chosen) for part in parts])
    messages = fn.SUM(rows.c.messages).cast("BIGINT")
    query = select(rows, rows.c.user_id, messages.alias("messages")).group_by(rows.c.user_id)
    wanted = messages > 0
    if after:
        same = (messages == after.messages) & (rows.c.user_id > after.user_id)
        wanted &= (messages < after.messages) | same
    return list(query.having(wanted).order_by(messages.desc(), rows.c.user_id).limit(limit))


def _messages(bots: Sequence[int], part: Part, chosen: Sequence[str] | None) -> Any:
    """A query of `user_id` and `messages`, negative for a part to take off; of the chosen, or of all."""
    if part.unit is None:
        query = _raw(bots, part.window, peewee.SQL(f"{part.sign:d}").alias("messages"))
        return query if chosen is None else query.where(Message.user_id.in_(chosen))
    table: Any = BotUser if part.unit is EVER else _TABLES[part.unit]
    messages = (table.messages * part.sign).alias("messages") if part.sign < 0 else table.messages
    query = table.select(table.user_id, messages).where(table.bot_id.in_(bots))
    if chosen is not None:
        query = query.where(table.user_id.in_(chosen))
    if part.unit is EVER:
        return query
    # One by one, the key leads on to the people.
    return query.where(
        (table.at >= part.start) & (table.at < part.end) if chosen is None else part.holds(table.at)
    )


def _last_at(bots: Sequence[int], window: Window, user_ids: Sequence[str]) -> dict[str, int]:
    """When each last wrote within the window; all of them did. Looks up each one's bucket by its key."""
    known = extent(bots, window)
    if known is None or not user_ids:
        return {}
    parts = known.parts(tuple(_TABLES))
    found = _newest(stacked([_last_of_part(bots, part, user_ids) for part in parts]))
    if missing := [user_id for user_id in user_ids if user_id not in found]:
        # The messages of a cut hour have left: it was some time in that hour.
        hours = [Part(HOUR, HOUR.floor(at), HOUR.floor(at) + 1) for at in (window.start, window.end - 1)]
        rough = _newest(stacked([_last_of_part(bots, hour, missing) for hour in hours]))
        found |= {user_id: min(max(at, window.start), window.end - 1) for user_id, at in rough.items()}
    return found


def _newest(rows: Any) -> dict[str, int]:
    return dict(select(rows, rows.c.user_id, fn.MAX(rows.c.last_at)).group_by(rows.c.user_id))


def _last_of_part(bots: Sequence[int], part: Part, user_ids: Sequence[str]) -> Any:
    if part.unit is None:
        return _raw(bots, part.window, Message.occurred_at.alias("last_at")).where(
            Message.user_id.in_(user_ids)
        )
    table = _TABLES[part.unit]
    return table.select(table.user_id, table.last_at).where(
        table.bot_id.in_(bots), part.holds(table.at), table.user_id.in_(user_ids)
    )


def _raw(bots: Sequence[int], window: Window, column: Any) -> Any:
    return Message.select(Message.user_id, column).where(
        Message.bot_id.in_(bots),
        Message.occurred_at >= window.start,
        Message.occurred_at < window.end,
        Message.direction == "in",
        Message.user_id.is_null(False),
    )
