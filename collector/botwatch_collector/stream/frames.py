"""Turns what there is to tell into frames of the stream: one `data:` line each, whatever its text holds."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

# JSON allows these raw and so does the stream's format, but many clients cut lines at them.
_LINE_ENDS_ELSEWHERE = (
    ("\u0085".encode(), b"\\u0085"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)

_RETRY_MS = (2_000, 5_000)


@dataclass(frozen=True, slots=True)
class Frame:
    """An event or a state, encoded once for all readers, and what their filters look at.

    A state has no id, for there is nothing to resume: the latest of it is all there is. What is of no bot is
    the collector's own.
    """

    stream: str
    bot_id: int | None
    encoded: bytes
    id: int | None = None
    received_at: int = 0
    user_id: str | None = None
    direction: str | None = None
    channel: str | None = None
    text: str | None = None
    hides: bool = False
    """Whether the stream's earlier frames of this user are not to be told any more."""


def encoded(event: str, data: Mapping[str, Any], id: int | None = None) -> bytes:
    """The bytes of a frame; with an id, a reader can come back to it."""
    line = _encode(data)
    for raw, escaped in _LINE_ENDS_ELSEWHERE:
        line = line.replace(raw, escaped)
    head = b"" if id is None else b"id: %d\n" % id
    return b"%bevent: %b\ndata: %b\n\n" % (head, event.encode(), line)


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
