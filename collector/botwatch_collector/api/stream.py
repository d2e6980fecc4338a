"""GET /debug/message-stream: every message as it is stored, as server-sent events."""

import socket

from flask import Blueprint, Response, current_app, request

from .. import stream
from ..config import Config
from ..errors import InvalidParameter
from ..guard import reader_again, requires_reader
from ..lifecycle import stopping

blueprint = Blueprint("stream", __name__)

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_DIRECTIONS = ("in", "out")

stream.close_when(stopping.is_set)


@blueprint.get("/debug/message-stream")
@requires_reader
def messages() -> Response:
    """Messages from now on, or from the one after Last-Event-ID. Ends when the reader loses its access."""
    if request.method == "HEAD":
        return Response(iter(()), headers=_HEADERS)
    config: Config = current_app.config["BOTWATCH"]
    find, names = reader_again(), request.args.getlist("bot")
    subscription = stream.subscribe(
        lambda: find().bot_ids(names),
        _filters(),
        stream.cursor_of(request.headers.get("Last-Event-ID") or request.args.get("last_event_id")),
        client=stream.Client(_socket()),
        most=config.max_streams,
    )
    return Response(subscription, headers=_HEADERS)


def _filters() -> stream.Filters:
    direction = request.args.get("direction")
    if direction not in (None, *_DIRECTIONS):
        raise InvalidParameter(f"direction: expected in or out, got {direction[:40]!r}", at="direction")
    return stream.Filters(request.args.get("user"), direction, request.args.get("channel"))


def _socket() -> socket.socket | None:
    """The connection itself, as gunicorn and Flask's own server tell it."""
    found = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None
