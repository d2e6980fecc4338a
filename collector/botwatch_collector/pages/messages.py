"""The Messages page: every message there is, by its words, user, way and time; and conversations."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, request

from .. import clock, guard, stream
from ..analytics.window import LATEST, Window
from ..errors import InvalidParameter
from ..messages import Filters, MessageRow, Messages, Place, conversation, page, parsed
from . import base, periods
from .filters import moment_of
from .marks import sought

blueprint = Blueprint("messages_page", __name__)

_ROWS = 50
_AROUND = 25
_EVER = Window(0, LATEST)
_NAMES = ("q", "user", "direction", "channel")
_WAYS = ("in", "out")
_NOTHING = Messages([], None, None)


@blueprint.get("/messages")
@guard.requires_login()
def messages() -> str:
    """A page of the list, newest first; a script makes one long list of it."""
    reader, now = guard.reader(), clock.now()
    bots, period = base.chosen_bots(reader), periods.asked(now, base.reader_zone())
    is_any_time = "range" not in request.args
    window = _EVER if is_any_time else period.window
    before, after = _place("before"), _place("after")
    # Read before the messages: what is stored in between comes by the stream as well, and is shown once.
    last_id = stream.latest_id()
    filters, refusal = Filters(), ""
    try:
        filters = _filters()
        found = page(bots, window, filters, _ROWS, before=before, after=after)
    except InvalidParameter as error:
        found, refusal = _NOTHING, error.message
    is_live = not (before or after or refusal) and window.end > now
    return base.render(
        "messages.html",
        reader,
        asked={name: request.args.get(name) for name in _NAMES},
        period=period,
        is_any_time=is_any_time,
        found=found,
        refusal=refusal,
        terms=sought(filters.query),
        live_from=last_id if is_live else None,
        of_api=_of_api(window, now),
        is_narrowed=filters != Filters() or not is_any_time,
    )


@blueprint.get("/messages/<int:number>")
@guard.requires_login()
def around(number: int) -> str:
    """What was said before and after a message: with its user, or by everyone in its channel."""
    reader = guard.reader()
    chosen = conversation(base.chosen_bots(reader), number, 0).messages[0]
    wants_channel = request.args.get("of") == "channel" or chosen.user_id is None
    of_channel = wants_channel and chosen.channel is not None
    filters = Filters(channel=chosen.channel) if of_channel else Filters(user=chosen.user_id)
    found = _around(reader.bot_ids([chosen.bot]), chosen, filters)
    return base.render(
        "conversation.html",
        reader,
        chosen=chosen,
        of_channel=of_channel,
        talk=_with_days(found.messages[::-1], base.reader_zone()),
        found=found,
    )


def _around(bots: Sequence[int], chosen: MessageRow, filters: Filters) -> Messages:
    """The page that the address asks for, or the one with the message in its middle."""
    before, after = _place("before"), _place("after")
    if before or after:
        return page(bots, _EVER, filters, 2 * _AROUND, before=before, after=after)
    if filters == Filters():
        return Messages([chosen], None, None)
    place = Place(clock.to_ms(moment_of(chosen.timestamp)), chosen.id)
    older = page(bots, _EVER, filters, _AROUND, before=place)
    newer = page(bots, _EVER, filters, _AROUND, after=place)
    return Messages([*newer.messages, chosen, *older.messages], older.older, newer.newer)


def _with_days(found: Sequence[MessageRow], zone: ZoneInfo) -> list[tuple[Any, MessageRow]]:
    """Each message with its day, where that is another one than of the message before."""
    days = [moment_of(one.timestamp).astimezone(zone).date() for one in found]
    begins = [True, *(day != before for before, day in pairwise(days))]
    return [(day if begin else None, one) for day, begin, one in zip(days, begins, found, strict=False)]


def _filters() -> Filters:
    """Raises InvalidParameter."""
    query, user, direction, channel = (_text(name) for name in _NAMES)
    if direction not in (None, *_WAYS):
        raise InvalidParameter("direction: expected in or out", at="direction")
    return Filters(user, direction, channel, parsed(query) if query else None)


def _text(name: str) -> str | None:
    text = request.args.get(name, "")
    if "\0" in text:
        raise InvalidParameter(f"{name}: U+0000 is in no text", at=name)
    return text or None


def _place(name: str) -> Place | None:
    text = request.args.get(name)
    return Place.read(text, name) if text else None


def _of_api(window: Window, now: int) -> str:
    """What the API is asked for the same list; a window up to now goes on with the time."""
    asked = {name: value for name in (*_NAMES, "bot") if (value := request.args.get(name))}
    asked["from"] = str(window.start)
    asked |= {"to": str(window.end)} if window.end <= now else {}
    return urlencode(asked)
