"""Reads a request's body before the app does, and puts it back, so that the app never notices."""

from __future__ import annotations

import io
from typing import Any

# A webhook's body is a few KiB; more than this is not read ahead at all.
READ_AHEAD_BYTES = 1 << 20


def peek(environ: dict[str, Any]) -> bytes | None:
    """The whole body, None when it is too long or has no end that is known."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) <= READ_AHEAD_BYTES:
        body: bytes = stream.read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        return body
    if not length and environ.get("wsgi.input_terminated"):
        body = stream.read(READ_AHEAD_BYTES + 1)
        environ["wsgi.input"] = io.BufferedReader(_Rejoined(body, stream))
        return body if len(body) <= READ_AHEAD_BYTES else None
    return None


class _Rejoined(io.RawIOBase):
    """What was read ahead, then what follows it."""

    def __init__(self, head: bytes, tail: Any) -> None:
        self._head = io.BytesIO(head)
        self._tail = tail

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._head.read(len(buffer)) or self._tail.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)
