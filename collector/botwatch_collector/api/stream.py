"""The live stream as server-sent events: all of its channels, or the messages alone."""

import socket

from flask import Blueprint, Response, current_app, request

from .. import stream
from ..config import Config
from ..errors import InvalidParameter
from ..guard import reader, reader_again, requires_reader
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
    return _streamed(("messages",))


@blueprint.get("/api/monitoring/stream")
@requires_reader
def channels() -> Response:
    """The channels that are asked for, or all of them."""
    asked = [name for one in request.args.getlist("channels") for name in one.split(",") if name]
    return _streamed(stream.named(asked or stream.NAMES))


def _streamed(channels: tuple[str, ...]) -> Response:
    if request.method == "HEAD":
        return Response(iter(()), headers=_HEADERS)
    find, names = reader_again(), [name for name in request.args.getlist("bot") if name]
    subscription = stream.subscribe(
        lambda: find().scope(names),
        _filters(channels),
        stream.cursor_of(request.headers.get("Last-Event-ID") or request.args.get("last_event_id")),
        _seat(),
        client=stream.Client(_socket()),
    )
    return Response(subscription, headers=_HEADERS)


def _filters(channels: tuple[str, ...]) -> stream.Filters:
    asked = {name: request.args.get(name) or None for name in ("user", "direction", "channel", "text")}
    if asked["direction"] not in (None, *_DIRECTIONS):
        raise InvalidParameter(
            f"direction: expected in or out, got {asked['direction'][:40]!r}", at="direction"
        )
    return stream.Filters(channels, **asked)


def _seat() -> stream.Seat:
    config: Config = current_app.config["BOTWATCH"]
    return stream.Seat(reader().who, config.max_streams, config.max_streams_per_reader)


def _socket() -> socket.socket | None:
    """The connection itself, as gunicorn and Flask's own server tell it."""
    found = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None
