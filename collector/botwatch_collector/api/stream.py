"""The live stream as server-sent events: all of its channels, or the messages alone."""

import socket
import ssl
from email.utils import formatdate

from flask import Blueprint, Response, current_app, request

from .. import stream
from ..config import Config
from ..errors import InvalidParameter
from ..guard import credential, reader, reader_again, requires_reader
from ..lifecycle import stopping
from ..streamer import Door, Interest, Passed

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
    names = [name for name in request.args.getlist("bot") if name]
    filters = _filters(channels)
    cursor = stream.cursor_of(request.headers.get("Last-Event-ID") or request.args.get("last_event_id"))
    door: Door | None = current_app.extensions["botwatch.door"]
    connection = _connection()
    if door is None or connection is None or not _can_be_passed(connection):
        return _streamed_here(names, filters, cursor, connection)
    chunked = request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    passed = Passed(
        who=reader().who,
        credential=credential(),
        interest=Interest(filters, reader().sight(names)),
        cursor=stream.start_of(cursor),
        head=_head(chunked),
        chunked=chunked,
    )
    door.pass_on(connection, passed)
    # Nobody gets this: the connection is the streamer's by now.
    return Response()


def _streamed_here(
    names: list[str], filters: stream.Filters, cursor: int | None, connection: socket.socket | None
) -> Response:
    """The same from this worker, at the price of one of its threads."""
    config: Config = current_app.config["BOTWATCH"]
    find = reader_again()
    subscription = stream.subscribe(
        lambda: find().scope(names),
        filters,
        cursor,
        stream.Seat(reader().who, config.own_streams, config.max_streams_per_reader),
        client=stream.Client(connection),
    )
    return Response(subscription, headers=_HEADERS)


def _filters(channels: tuple[str, ...]) -> stream.Filters:
    asked = {name: request.args.get(name) or None for name in ("user", "direction", "channel", "text")}
    if asked["direction"] not in (None, *_DIRECTIONS):
        raise InvalidParameter(
            f"direction: expected in or out, got {asked['direction'][:40]!r}", at="direction"
        )
    return stream.Filters(channels, **asked)


def _connection() -> socket.socket | None:
    """The connection itself, as gunicorn and Flask's own server tell it."""
    found = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None


def _can_be_passed(connection: socket.socket) -> bool:
    """The keys of TLS stay in this process, and a connection of HTTP/2 carries other requests as well."""
    is_plain = not isinstance(connection, ssl.SSLSocket)
    return is_plain and request.environ["SERVER_PROTOCOL"] in ("HTTP/1.0", "HTTP/1.1")


def _head(chunked: bool) -> bytes:
    """How the answer begins, with the headers that every answer gets. It ends with the connection."""
    answer = current_app.process_response(Response(headers=_HEADERS))
    headers = [*answer.headers, ("Date", formatdate(usegmt=True)), ("Connection", "close")]
    headers += [("Transfer-Encoding", "chunked")] if chunked else []
    lines = [f"{name}: {value}\r\n" for name, value in headers if name != "Content-Length"]
    return ("HTTP/1.1 200 OK\r\n" + "".join(lines)).encode("latin-1")
