"""GET /api/monitoring/export: the messages of a time, streamed as CSV, JSON or JSON lines."""

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, request

from .. import clock, db
from ..access import Reader
from ..analytics.window import Window
from ..exports import csv
from ..exports.messages import pages
from ..guard import reader_again, requires_reader
from ..messages import Filters, MessageRow
from . import params

blueprint = Blueprint("export", __name__)

FORMATS = ("csv", "json", "ndjson")

_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "ndjson": "application/x-ndjson"}
_encode = msgspec.json.Encoder().encode


@blueprint.get("/api/monitoring/export")
@requires_reader
def export() -> Response:
    """A file to keep. Ends early, and so unfinished, when the reader loses its access meanwhile."""
    form, window, zone = params.word("format", FORMATS, "csv"), params.window(clock.now()), params.zone()
    names = request.args.getlist("bot")
    params.bots()  # A bot that isn't there is told before anything is sent.
    found = _pages(reader_again(), names, window, params.message_filters())
    days = "-".join(clock.iso(at)[:10] for at in (window.start, window.end - 1))
    return Response(
        _csv(found, zone) if form == "csv" else _json(found) if form == "json" else _ndjson(found),
        headers={
            "Content-Type": _TYPES[form],
            "Content-Disposition": f'attachment; filename="botwatch-messages-{days}.{form}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )


def _pages(
    find: Callable[[], Reader], names: list[str], window: Window, filters: Filters
) -> Iterator[list[MessageRow]]:
    """The connection is held while a page is read, not while a slow client takes it."""
    with db.connected():
        bots = find().bots([name for name in names if name])
    for bot in bots:
        found = pages([bot], window, filters)
        while True:
            with db.connected():
                find().bots([bot.name])
                page = next(found, None)
            if page is None:
                break
            yield page


def _csv(found: Iterator[list[MessageRow]], zone: ZoneInfo) -> Iterator[str]:
    first, *others = MessageRow.__struct_fields__[1:]
    yield csv.lines([("id", f"{first} ({zone.key})", *others)])
    for page in found:
        yield csv.lines(_row(one, zone) for one in page)


def _row(one: MessageRow, zone: ZoneInfo) -> tuple[object, ...]:
    number, at, *rest = msgspec.structs.astuple(one)
    local = datetime.fromisoformat(at).astimezone(zone)
    return (number, local.isoformat(timespec="milliseconds"), *rest)


def _ndjson(found: Iterator[list[MessageRow]]) -> Iterator[bytes]:
    for page in found:
        yield b"".join(_encode(one) + b"\n" for one in page)


def _json(found: Iterator[list[MessageRow]]) -> Iterator[bytes]:
    before = b"["
    for page in found:
        yield before + b"\n" + b",\n".join(_encode(one) for one in page)
        before = b","
    yield b"\n]\n" if before == b"," else b"[]\n"
