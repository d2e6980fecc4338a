"""Reads what a request asks for; every error names its parameter.

A parameter that is empty counts as absent, as forms send it. Times are ISO 8601 (`2026-11-23T08:00:00Z`, with
an offset, without one in the zone of `tz`, or a date alone) or unix milliseconds. The moment `to` is outside
of the window.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from flask import request

from .. import clock, guard, messages
from ..analytics.calendar import BucketName
from ..analytics.cursors import PageCursor
from ..analytics.window import LATEST, Window
from ..errors import InvalidParameter

DEFAULT_DAYS = 30
DIRECTIONS = ("in", "out")

Kind = TypeVar("Kind", bound=PageCursor)
Body = TypeVar("Body", bound=msgspec.Struct)

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
# 2026 is a year that somebody forgot to end, 20261123 a date of ISO 8601.
_UNIX_MS = re.compile(r"(?!\d{4}$|\d{8}$)\d{1,15}", re.ASCII)
# A plus sign that wasn't encoded arrives as a space.
_LOST_PLUS = re.compile(r"(T.*) (\d\d(:?\d\d)?)$")
_PLACE = re.compile(r" - at `\$\.([^`]*)`")
_TIME = "expected ISO 8601 such as 2026-11-23T08:00:00Z or 2026-11-23, or unix milliseconds"
_BUCKETS: tuple[BucketName, ...] = get_args(BucketName)


def bots() -> list[int]:
    """`bot`, any number of times: the ids that the reader may see, of these or of all."""
    return guard.reader().bot_ids([name for name in request.args.getlist("bot") if name])


def zone() -> ZoneInfo:
    """`tz`, an IANA name; UTC unless given."""
    name = _one("tz") or "UTC"
    if name not in _known_zones():
        raise InvalidParameter(
            f"tz: expected an IANA name such as Europe/Berlin, got {_shown(name)}", at="tz"
        )
    return ZoneInfo(name)


def window(now: int) -> Window:
    """`from` and `to`; unless given, up to now, and the 30 days before that."""
    asked = _moment("to")
    # Up to and with this very millisecond.
    end = now + 1 if asked is None else asked
    start = _moment("from")
    if start is None:
        start = max(end - DEFAULT_DAYS * clock.DAY, 0)
    if start >= end:
        place = "from" if asked is None else "to"
        raise InvalidParameter(f"{place}: `from` must be before `to`, which is {clock.iso(end)}", at=place)
    return Window(start, end)


def span() -> Window:
    """`from` and `to`; all times unless given."""
    start, end = _moment("from") or 0, _moment("to")
    if end is not None and start >= end:
        raise InvalidParameter(f"from: must be before `to`, which is {clock.iso(end)}", at="from")
    return Window(start, LATEST if end is None else end)


def limit(default: int, most: int) -> int:
    """`limit`, from 1 to `most`."""
    text = _one("limit")
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidParameter(
            f"limit: expected a whole number from 1 to {most}, got {_shown(text)}", at="limit"
        )
    return int(text)


def bucket() -> BucketName:
    """`bucket`; a day unless given."""
    return _word("bucket", _BUCKETS, "day")


def cursor(kind: type[Kind]) -> Kind | None:
    """`cursor`: the `next` of an earlier answer."""
    text = _one("cursor")
    return None if text is None else kind.read(text)


def message_filters() -> messages.Filters:
    """`user`, `direction`, `channel` and the words `q`."""
    words = text("q")
    return messages.Filters(
        user=text("user"),
        direction=option("direction", DIRECTIONS),
        channel=text("channel"),
        query=None if words is None else messages.parsed(words),
    )


def text(name: str) -> str | None:
    """A parameter that may be any text."""
    found = _one(name)
    return found and plain(name, found)


def plain(name: str, text: str) -> str:
    """A text from the address that the database can be asked for: none in it holds U+0000."""
    if "\0" in text:
        raise InvalidParameter(f"{name}: U+0000 is in no text", at=name)
    return text


def body(kind: type[Body]) -> Body:
    """The request's JSON, as this struct."""
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        place = _PLACE.search(str(error))
        at = f"body.{place[1]}" if place else "body"
        raise InvalidParameter(f"{at}: {_PLACE.sub('', str(error)).replace('`', '')}", at=at) from None


def word(name: str, words: Sequence[str], default: str) -> str:
    """A parameter that is one of a few words."""
    return option(name, words) or default


def option(name: str, words: Sequence[str]) -> str | None:
    """One of a few words, or nothing."""
    text = _one(name)
    if text is not None and text not in words:
        raise InvalidParameter(f"{name}: expected {', '.join(words)}, got {_shown(text)}", at=name)
    return text


def _word(name: str, words: tuple[BucketName, ...], default: BucketName) -> BucketName:
    return words[words.index(word(name, words, default))]


def _moment(name: str) -> int | None:
    text = _one(name)
    if text is None:
        return None
    at = int(text) if _UNIX_MS.fullmatch(text) else _iso(name, text)
    if not 0 <= at < LATEST:
        raise InvalidParameter(f"{name}: {_shown(text)} is not between the years 1970 and 9999", at=name)
    return at


def _iso(name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
        return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone()))
    except (ValueError, OverflowError):
        raise InvalidParameter(f"{name}: {_TIME}, got {_shown(text)}", at=name) from None


def _one(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise InvalidParameter(f"{name}: given {len(values)} times", at=name)
    return values[0].strip() or None if values else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


@cache
def _known_zones() -> frozenset[str]:
    """Only these are opened: a name is that of a file."""
    return frozenset(available_timezones())
