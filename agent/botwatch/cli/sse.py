"""Reads server-sent events out of a response's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_LINE_END = re.compile(rb"\r\n|\n|\r")
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream; `id` is the last one the stream gave, "" before the first."""

    event: str
    data: str
    id: str


@dataclass(slots=True)
class FrameReader:
    """Cuts bytes into frames as the HTML standard says, wherever they were torn on the way."""

    last_id: str = ""
    retry_s: float | None = None
    """How long the server asks to wait before connecting again."""
    _rest: bytes = field(default=b"", init=False)
    _id: str = field(default="", init=False)
    _event: str = field(default="", init=False)
    _data: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._id = self.last_id

    def feed(self, piece: bytes) -> Iterator[Frame]:
        lines = _LINE_END.split(self._rest + piece)
        self._rest = lines.pop()
        if not lines:
            return
        if piece.endswith(b"\r"):
            # A line feed may follow in the next piece and belong to this end of line.
            self._rest = lines.pop() + b"\r"
        for line in lines:
            frame = self._take(line.decode("utf-8", "replace"))
            if frame:
                yield frame

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._dispatched()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_s = int(value) / 1000
        return None

    def _dispatched(self) -> Frame | None:
        # Only now: a frame torn after its id must come again.
        self.last_id = self._id
        frame = Frame(self._event or "message", "\n".join(self._data), self.last_id) if self._data else None
        self._event, self._data = "", []
        return frame


def pieces(raw: Any) -> Iterator[bytes]:
    """A urllib3 response's bytes as they arrive, however few."""
    if raw.chunked:
        return iter(raw.read_chunked())
    # urllib3 1 has no read1, and its read waits for all that it was asked for.
    read = getattr(raw, "read1", None)
    return iter(lambda: read(_READ_BYTES) if read else raw.read(1), b"")
