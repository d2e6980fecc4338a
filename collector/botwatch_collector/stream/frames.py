"""Turns stored messages into frames of the stream: one `data:` line each, whatever their text holds."""

import random
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from .. import clock

_encode = msgspec.json.Encoder().encode

# JSON allows these raw and so does the stream's format, but many clients cut lines at them.
_LINE_ENDS_ELSEWHERE = (
    ("\u0085".encode(), b"\\u0085"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)

_RETRY_MS = (2_000, 5_000)


class StoredMessage(NamedTuple):
    """A row of `message`, with its bot's name."""

    id: int
    bot_id: int
    bot: str
    direction: str
    user_id: str | None
    user_name: str | None
    text: str | None
    occurred_at: int
    response_ms: int | None
    wait_ms: int | None
    channel: str | None
    event_id: str | None
    attributes: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded message, and what a reader's filters look at."""

    id: int
    bot_id: int
    user_id: str | None
    direction: str
    channel: str | None
    encoded: bytes


def message_data(message: StoredMessage) -> dict[str, Any]:
    """What a frame of a message tells; times in milliseconds, `timestamp` ISO 8601 in UTC."""
    return {
        "id": message.id,
        "kind": "message",
        "bot": message.bot,
        "direction": message.direction,
        "user_id": message.user_id,
        "user_name": message.user_name,
        "message_text": message.text,
        "timestamp": clock.iso(message.occurred_at),
        "response_time": message.response_ms,
        "wait_ms": message.wait_ms,
        "channel": message.channel,
        "event_id": message.event_id,
        "attributes": message.attributes,
    }


def frame(message: StoredMessage) -> Frame:
    """Encode a message, once for all readers."""
    line = _encode(message_data(message))
    for raw, escaped in _LINE_ENDS_ELSEWHERE:
        line = line.replace(raw, escaped)
    return Frame(
        id=message.id,
        bot_id=message.bot_id,
        user_id=message.user_id,
        direction=message.direction,
        channel=message.channel,
        encoded=b"id: %d\nevent: message:new\ndata: %b\n\n" % (message.id, line),
    )


def opening(cursor: int) -> bytes:
    """What a stream begins with: when to come back, spread so that readers don't return all at once.

    The id is for a reader that loses the connection before its first event: a frame without data moves
    Last-Event-ID and is otherwise ignored, as the HTML standard has it.
    """
    retry_ms = random.randint(*_RETRY_MS)  # noqa: S311 - spreads load, guards nothing
    return b"retry: %d\nid: %d\n%b" % (retry_ms, cursor, comment("botwatch"))


def ping(cursor: int) -> bytes:
    """Keeps proxies from closing a quiet stream, and moves Last-Event-ID past what the filters left out."""
    return b"id: %d\n%b" % (cursor, comment("ping"))


def comment(text: str) -> bytes:
    """A line that clients skip."""
    return b": %b\n\n" % " ".join(text.split()).encode()
