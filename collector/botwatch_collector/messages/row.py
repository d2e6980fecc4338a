"""A message as it is told: to pages, programs and files alike."""

from typing import Any

import msgspec

from .. import clock, models

COLUMNS = (
    models.Message.id,
    models.Message.occurred_at,
    models.Message.direction,
    models.Message.user_id,
    models.Message.user_name,
    models.Message.channel,
    models.Message.text,
    models.Message.response_ms,
    models.Message.wait_ms,
)


class MessageRow(msgspec.Struct, frozen=True):
    """Under the names of the stream; times in milliseconds, `timestamp` ISO 8601 in UTC."""

    id: int
    timestamp: str
    bot: str
    direction: str
    user_id: str | None
    user_name: str | None
    channel: str | None
    message_text: str | None
    response_time: int | None
    wait_ms: int | None


def told(bot: str, number: int, at: int, *rest: Any) -> MessageRow:
    """From the values of COLUMNS."""
    return MessageRow(number, clock.iso(at), bot, *rest)
