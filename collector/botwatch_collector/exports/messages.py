"""All messages of a time, bot by bot and in order of time, read in pages so that memory stays small."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..messages.row import COLUMNS, MessageRow, told
from ..models import Bot, Message

_PAGE = 1_000


def pages(bots: Sequence[Bot], start: int, end: int) -> Iterator[list[MessageRow]]:
    """Pages of at most a thousand, of `start` up to but without `end`; each is one query over an index.

    What is stored while the export runs may or may not be in it; nothing is in it twice.
    """
    for bot in bots:
        after = (start, 0)
        while rows := _page(bot, after, end):
            yield [told(bot.name, *row) for row in rows]
            after = (rows[-1][1], rows[-1][0])
            if len(rows) < _PAGE:
                break


def _page(bot: Bot, after: tuple[int, int], end: int) -> list[Any]:
    at, last_id = after
    query = (
        Message.select(*COLUMNS)
        .where(
            Message.bot_id == bot.id,
            Message.occurred_at >= at,
            Message.occurred_at < end,
            (Message.occurred_at > at) | (Message.id > last_id),
        )
        .order_by(Message.occurred_at, Message.id)
        .limit(_PAGE)
    )
    return list(query.tuples())
