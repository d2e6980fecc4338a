"""Reads messages in the order of their ids, which is the order of their commits.

Ids are handed out inside the transaction that stores them, one transaction after the other, so that whoever
has read up to `latest_id()` misses nothing by asking for "ids above" next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import peewee

from ..models import Bot, EventSequence, Message
from .frames import Frame, StoredMessage

_IDS_AT_ONCE = 20_000
_MESSAGES_AT_ONCE = 500

_COLUMNS = (
    Message.id,
    Message.bot_id,
    Bot.name,
    Message.direction,
    Message.user_id,
    Message.user_name,
    Message.text,
    Message.occurred_at,
    Message.response_ms,
    Message.wait_ms,
    Message.channel,
    Message.event_id,
    Message.attributes,
)


@dataclass(frozen=True)
class Filters:
    """What a reader asked for beside its bots; None takes everything."""

    user: str | None = None
    direction: str | None = None
    channel: str | None = None

    def match(self, frame: Frame) -> bool:
        return (
            self.user in (None, frame.user_id)
            and self.direction in (None, frame.direction)
            and self.channel in (None, frame.channel)
        )

    def conditions(self) -> list[Any]:
        wanted = (
            (Message.user_id, self.user),
            (Message.direction, self.direction),
            (Message.channel, self.channel),
        )
        return [column == value for column, value in wanted if value is not None]


EVERYTHING = Filters()


@dataclass(frozen=True)
class Chunk:
    """Messages by id. All that is at or below `cursor` has been looked at, matching or not."""

    messages: list[StoredMessage]
    cursor: int


def latest_id() -> int:
    """The last id handed out to an event of any kind; 0 before the first."""
    last_id: int = EventSequence.select(EventSequence.last_id).scalar()
    return last_id


def messages_after(
    cursor: int,
    upto: int,
    bots: Sequence[int],
    filters: Filters = EVERYTHING,
    limit: int = _MESSAGES_AT_ONCE,
) -> Chunk:
    """The next messages of these bots above `cursor`. Looks at 20,000 ids at most, so that a call's cost has
    a bound even where nothing matches; go on from the chunk's cursor until it is `upto`.
    """
    # Without the plus SQLite would take the index by bot and time, and sort all that the bot ever said.
    of_bots = peewee.Expression(peewee.NodeList((peewee.SQL("+"), Message.bot_id)), peewee.OP.IN, list(bots))
    return _chunk(cursor, upto, limit, [of_bots, *filters.conditions()])


def every_message_after(cursor: int, upto: int, limit: int = _MESSAGES_AT_ONCE) -> Chunk:
    """As `messages_after`, for all bots: whoever passes these on has to ask who may see which."""
    return _chunk(cursor, upto, limit, [])


def latest(bots: Sequence[int], limit: int) -> list[StoredMessage]:
    """The messages with the latest times, newest first. Costs `limit` rows of an index for each bot."""
    newest = [
        message
        for bot in bots
        for message in _stored(
            _messages()
            .where(Message.bot_id == bot)
            .order_by(Message.occurred_at.desc(), Message.id.desc())
            .limit(limit)
        )
    ]
    newest.sort(key=attrgetter("occurred_at", "id"), reverse=True)
    return newest[:limit]


def _chunk(cursor: int, upto: int, limit: int, conditions: list[Any]) -> Chunk:
    end = min(upto, cursor + _IDS_AT_ONCE)
    found = _stored(
        _messages()
        .where(Message.id > cursor, Message.id <= end, *conditions)
        .order_by(Message.id)
        .limit(limit)
    )
    return Chunk(found, found[-1].id if len(found) == limit else max(cursor, end))


def _messages() -> Any:
    return Message.select(*_COLUMNS).join(Bot, on=(Bot.id == Message.bot_id))


def _stored(query: Any) -> list[StoredMessage]:
    return [StoredMessage(*row) for row in query.tuples()]
