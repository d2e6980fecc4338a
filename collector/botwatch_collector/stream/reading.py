"""Reads stored events in the order of their ids, which is the order of their commits.

Ids are handed out inside the transaction that stores them, one transaction after the other, so that whoever
has read up to `latest_id()` misses nothing by asking for "ids above" next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import peewee

from .. import db
from ..models import Bot, Message
from .channels import EVENTS, MESSAGES, Events
from .events import StoredMessage
from .filters import Filters
from .frames import Frame

_IDS_AT_ONCE = 20_000
_EVENTS_AT_ONCE = 500

EVERYTHING = Filters(channels=tuple(EVENTS))


@dataclass(frozen=True)
class Chunk:
    """Events by id. All that is at or below `cursor` has been looked at, matching or not."""

    frames: list[Frame]
    cursor: int


def latest_id() -> int:
    """The last id handed out to an event of any kind; 0 before the first."""
    # Asked at every commit and by every new reader: not written anew each time either.
    (reserved_id,) = db.database.execute_sql("SELECT reserved_id FROM event_sequence").fetchone()
    return int(reserved_id)


def events_after(
    cursor: int,
    upto: int,
    bots: Sequence[int] | None = None,
    filters: Filters = EVERYTHING,
    limit: int = _EVENTS_AT_ONCE,
) -> Chunk:
    """The next events above `cursor` that match, of these bots or of all: of whom a reader may see which, the
    caller knows. Looks at 20,000 ids and `limit` rows of each kind at most, so that a call's cost has a bound
    even where nothing matches; go on from the chunk's cursor until it is `upto`.
    """
    end = max(cursor, min(upto, cursor + _IDS_AT_ONCE))
    found: list[Frame] = []
    for kind in _wanted(filters):
        rows = _between(kind, cursor, end, bots, filters, limit=limit)
        if len(rows) == limit:
            end = rows[-1][0]
        found += [kind.frame(kind.row(*row)) for row in rows]
    # Where one kind was cut short, the others wait for its rest.
    frames = sorted((one for one in found if one.id is not None and one.id <= end), key=attrgetter("id"))
    return Chunk([one for one in frames if filters.match(one)], end)


def latest(bots: Sequence[int], limit: int) -> list[StoredMessage]:
    """The messages with the latest times, newest first. Costs `limit` rows of an index for each bot."""
    newest = [
        StoredMessage(*row)
        for bot in bots
        for row in _select(MESSAGES)
        .where(Message.bot_id == bot)
        .order_by(Message.occurred_at.desc(), Message.id.desc())
        .limit(limit)
        .tuples()
    ]
    newest.sort(key=attrgetter("occurred_at", "id"), reverse=True)
    return newest[:limit]


def _wanted(filters: Filters) -> list[Events]:
    """The kinds in which something may match."""
    asked = [name for name in ("user", "direction", "channel") if getattr(filters, name) is not None]
    kinds = [EVENTS[name] for name in filters.channels if name in EVENTS]
    return [kind for kind in kinds if all(name in kind.filters for name in asked)]


def _between(
    kind: Events, cursor: int, end: int, bots: Sequence[int] | None, filters: Filters, *, limit: int
) -> list[tuple[Any, ...]]:
    asked = {name: value for name in kind.filters if (value := getattr(filters, name)) is not None}
    sql = _statement(db.dialect(), kind.name, tuple(asked), None if bots is None else len(bots))
    rows = db.database.execute_sql(sql, (cursor, end, *asked.values(), *(bots or ()), limit)).fetchall()
    return [_read(kind, row) for row in rows]


@lru_cache
def _statement(dialect: str, kind_name: str, asked: tuple[str, ...], bots: int | None) -> str:
    """For these filters and so many bots. Kept, since to write it takes longer than to read a few events."""
    kind = EVENTS[kind_name]
    conditions = [kind.filters[name] == "" for name in asked]
    if bots is not None:
        # Without the plus SQLite would take the index by bot and time, and sort all that the bot ever said.
        bot = peewee.NodeList((peewee.SQL("+"), kind.table.bot_id))
        conditions.append(peewee.Expression(bot, peewee.OP.IN, [0] * bots))
    id = kind.table.id
    written = _select(kind).where(id > 0, id <= 0, *conditions).order_by(id).limit(1)
    return str(written.sql()[0])


def _read(kind: Events, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """JSON comes as text from SQLite, and in the last column."""
    return (*row[:-1], kind.table._meta.fields[kind.row._fields[-1]].python_value(row[-1]))


def _select(kind: Events) -> Any:
    columns = [Bot.name if name == "bot" else getattr(kind.table, name) for name in kind.row._fields]
    return kind.table.select(*columns).join(Bot, on=(Bot.id == kind.table.bot_id))
