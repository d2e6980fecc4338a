"""Turns what a bot passes into the body of one JSON line: an object without its braces.

Written by hand, because a call must cost about a microsecond. What can be coerced is coerced; an optional
field that can't be is left out and counted as "invalid_field".
"""

from __future__ import annotations

import math
import time
from json.encoder import encode_basestring as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .privacy import Privacy

    Count = Callable[[str], None]

TEXT_LIMIT = 65_536
NAME_LIMIT = 256
ID_LIMIT = 200
ATTRIBUTES_LIMIT = 32
ATTRIBUTES_BYTES = 4_096
LATEST_MS = 253_402_300_799_999
LONGEST_MS = 2**36  # two years
INTEGER_LIMIT = 2**63


class InvalidEvent(Exception):
    """The event can't be recorded at all."""


def message_body(
    *,
    user_id: object,
    text: object,
    direction: object,
    response_ms: object,
    wait_ms: object,
    user_name: object,
    channel: object,
    event_id: object,
    ts: object,
    attributes: Mapping[str, object] | None,
    privacy: Privacy,
    count: Count,
) -> str:
    """Raises InvalidEvent when there is no sensible message in this."""
    if direction not in ("in", "out"):
        raise InvalidEvent("direction")

    def kept(name: str, value: object, most: int) -> str | None:
        # What would be cut off is not looked through, except for what may shrink into the limit.
        return None if value is None else privacy.applied(name, plain_text(value)[: 2 * most])

    content = kept("text", text, TEXT_LIMIT)
    user = kept("user_id", user_id, NAME_LIMIT)
    extra = privacy.attributes(attributes) if attributes else {}
    if content is not None and len(content) > TEXT_LIMIT:
        content = content[:TEXT_LIMIT]
        extra = {"truncated": True, **extra}
    parts = [
        f'"kind":"message","ts":{timestamp(ts, count)},"direction":"{direction}"',
        '"text":' + ("null" if content is None else quote(content)),
        '"user_id":' + ("null" if user is None else quote(user[:NAME_LIMIT])),
    ]
    for name, string, limit in (
        ("user_name", kept("user_name", user_name, NAME_LIMIT), NAME_LIMIT),
        ("channel", kept("channel", channel, NAME_LIMIT), NAME_LIMIT),
        ("id", None if event_id is None else plain_text(event_id), ID_LIMIT),
    ):
        if string:
            parts.append(f'"{name}":{quote(string[:limit])}')
    for name, value in (("response_ms", response_ms), ("wait_ms", wait_ms)):
        if value is not None and (number := milliseconds(value, LONGEST_MS, count)) is not None:
            parts.append(f'"{name}":{number}')
    if extra and (encoded := attributes_object(extra, count)) is not None:
        parts.append(f'"attributes":{encoded}')
    return ",".join(parts)


def plain_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def timestamp(value: object, count: Count) -> int:
    """Unix ms; now when not given or not a possible time."""
    if value is not None:
        number = milliseconds(value, LATEST_MS, count)
        if number is not None:
            return number
    return now_ms()


def milliseconds(value: object, most: int, count: Count) -> int | None:
    """A whole number from 0 to `most`, or None when `value` is no such number (which is counted)."""
    try:
        number = float(value)  # type: ignore[arg-type]
        if isinstance(value, bool) or not 0 <= number <= most:
            raise ValueError(value)
    except (TypeError, ValueError, OverflowError):
        count("invalid_field")
        return None
    return value if type(value) is int else round(number)


def attributes_object(attributes: Mapping[str, object], count: Count) -> str | None:
    """A JSON object within the contract's limits; what does not fit is left out and counted."""
    parts: list[str] = []
    room = ATTRIBUTES_BYTES - 1
    for name, value in attributes.items():
        scalar = scalar_json(value)
        part = f"{quote(plain_text(name))}:{scalar}"
        room -= len(part.encode("utf-8", "replace")) + 1
        if scalar is None or room < 0 or len(parts) == ATTRIBUTES_LIMIT:
            count("invalid_field")
            room += len(part.encode("utf-8", "replace")) + 1
            continue
        parts.append(part)
    return "{" + ",".join(parts) + "}" if parts else None


def scalar_json(value: object) -> str | None:
    """The JSON of one attribute; None for numbers that JSON or the collector can't hold."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value) if -INTEGER_LIMIT <= value < INTEGER_LIMIT else None
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else None
    return quote(plain_text(value))
