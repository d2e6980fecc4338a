"""What was said around a message."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..analytics.window import LATEST, Window
from ..errors import NotFound
from ..models import Message
from .filters import Filters
from .pages import tell
from .row import COLUMNS, MessageRow
from .walk import NEWER, OLDER, Row, Walk, place_of

_ALWAYS = Window(0, LATEST)


class Conversation(msgspec.Struct, frozen=True):
    """The messages around one, newest first: those of its channel, or of its user where it has no channel.

    `bot` with `channel` or `user` find all of them; `older` and `newer` are as in a page of these.
    """

    bot: str
    channel: str | None
    user: str | None
    messages: list[MessageRow]
    older: str | None
    newer: str | None


def conversation(bots: Sequence[int], message_id: int, around: int) -> Conversation:
    """With at most `around` messages before it, and as many after it.

    Raises NotFound when none of the bots has such a message. One without channel and user stands alone.
    """
    row = _row(bots, message_id)
    bot, (_, _, _, user, _, channel, *_) = row[0], row[1:]
    filters = Filters(channel=channel) if channel is not None else Filters(user=user)
    walk = Walk([bot] if filters != Filters() else [], _ALWAYS, filters)
    newer = walk.rows(place_of(row), NEWER, around + 1)
    older = walk.rows(place_of(row), OLDER, around + 1)
    rows = [*newer[:around][::-1], row, *older[:around]]
    messages = tell(rows)
    return Conversation(
        bot=messages[0].bot,
        channel=filters.channel,
        user=filters.user,
        messages=messages,
        older=str(place_of(rows[-1])) if len(older) > around else None,
        newer=str(place_of(rows[0])) if len(newer) > around else None,
    )


def _row(bots: Sequence[int], message_id: int) -> Row:
    query: Any = Message.select(Message.bot_id, *COLUMNS).where(
        Message.id == message_id, (Message.bot_id + 0).in_(bots)
    )
    row: Row | None = query.tuples().first()
    if row is None:
        raise NotFound(f"no message {message_id}")
    return row
