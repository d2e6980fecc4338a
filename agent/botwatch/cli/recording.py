"""Reads recorded chats, NDJSON with a message a line, and names the place of a line that is wrong.

Two spellings are understood: a recording's (`user`, `ts` in ISO 8601) and the wire's own (`user_id`, `ts` in
unix milliseconds, `kind`). What the agent has no field for goes along as an attribute.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..encode import LATEST_MS, LONGEST_MS

Scalar = str | int | float | bool | None

_TEXT_CHARS = 65_536
_NAME_CHARS = 256
_ID_CHARS = 200
_ATTRIBUTES_COUNT = 32
_ATTRIBUTES_BYTES = 4096
_LINE_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
# Fields of a recording that a message has no place for.
_AS_ATTRIBUTES = ("bot", "reply_to", "reply_rule", "action", "ts_precision", "reply_delay_ms")


class BadLine(ValueError):
    """A line that is no message; says what was expected."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message as it was recorded. `ts` is unix milliseconds."""

    ts: int
    direction: str
    text: str | None
    user_id: str | None
    user_name: str | None = None
    channel: str | None = None
    id: str | None = None
    response_ms: int | None = None
    wait_ms: int | None = None
    attributes: dict[str, Scalar] = field(default_factory=dict)


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The recording's bytes, out of gzip where they are; "-" is standard input."""
    with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as raw:
        is_packed = isinstance(raw, io.BufferedReader) and raw.peek(2)[:2] == _GZIP
        yield gzip.GzipFile(fileobj=raw) if is_packed else raw  # type: ignore[misc]


def lines(recording: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number. A line beyond any limit comes cut, as no JSON."""
    number = 0
    while line := recording.readline(_LINE_BYTES):
        number += 1
        end = line
        while end and not end.endswith(b"\n"):
            end = recording.readline(_LINE_BYTES)
        if line.strip():
            yield number, line


def message_of(line: bytes) -> Recorded:
    """The message on a line; BadLine if there is none."""
    try:
        fields = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BadLine("expected a JSON object")
    if fields.get("kind", "message") != "message":
        raise BadLine(f"kind: expected 'message', got {fields['kind']!r}")
    if fields.get("direction") not in ("in", "out"):
        raise BadLine(f"direction: expected 'in' or 'out', got {fields.get('direction')!r}")
    return Recorded(
        ts=_time(fields.get("ts")),
        direction=fields["direction"],
        text=_string(fields, "text", _TEXT_CHARS, required=True),
        user_id=_string(fields, "user_id" if "user_id" in fields else "user", _NAME_CHARS),
        user_name=_string(fields, "user_name" if "user_name" in fields else "user", _NAME_CHARS),
        channel=_string(fields, "channel", _NAME_CHARS),
        id=_string(fields, "id", _ID_CHARS),
        response_ms=_milliseconds(fields, "response_ms"),
        wait_ms=_milliseconds(fields, "wait_ms"),
        attributes=_attributes(fields),
    )


def _time(value: Any) -> int:
    if isinstance(value, str):
        value = _from_iso(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LATEST_MS:
        raise BadLine(f"ts: expected ISO 8601 or unix milliseconds since 1970, got {value!r}")
    return value


def _from_iso(value: str) -> int | str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Whole arithmetic: a float of seconds would shift some milliseconds by one.
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _string(fields: dict[str, Any], name: str, limit: int, required: bool = False) -> str | None:
    if required and name not in fields:
        raise BadLine(f"{name}: missing")
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise BadLine(f"{name}: expected a string of at most {limit} characters")
    return value


def _milliseconds(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LONGEST_MS:
        raise BadLine(f"{name}: expected int >= 0 and <= {LONGEST_MS}, got {value!r}")
    return value


def _attributes(fields: dict[str, Any]) -> dict[str, Scalar]:
    given = fields.get("attributes") or {}
    if not isinstance(given, dict):
        raise BadLine("attributes: expected an object")
    found = {**given, **{name: fields[name] for name in _AS_ATTRIBUTES if name in fields}}
    for name, value in found.items():
        if not isinstance(value, Scalar):
            raise BadLine(f"attributes.{name}: expected a string, number, true, false or null")
    if len(found) > _ATTRIBUTES_COUNT or len(json.dumps(found)) > _ATTRIBUTES_BYTES:
        raise BadLine(
            f"attributes: expected at most {_ATTRIBUTES_COUNT} of {_ATTRIBUTES_BYTES} bytes together"
        )
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
