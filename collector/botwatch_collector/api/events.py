"""POST /api/events: where agents send their batches."""

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from .. import clock, counters
from ..access import rate
from ..config import Config
from ..errors import Forbidden, TooLarge, UnsupportedEncoding
from ..guard import requires_scope
from ..ingest import decode
from ..ingest.store import Incoming
from ..ingest.wire import Batch
from ..ingest.writer import Writer
from .seats import seat

blueprint = Blueprint("events", __name__)

_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")


@blueprint.post("/api/events")
@requires_scope("ingest")
def receive() -> dict[str, int]:
    """Store a batch. The answer comes when it is durable, and sending it again changes nothing."""
    config: Config = current_app.config["BOTWATCH"]
    body = _body(config.limits.batch_bytes)
    # Before anything is unpacked: who sends too much should cost little.
    rate.spend(g.token.id, 0, clock.now())
    with seat(g.token.bot_id):
        batch = _decoded(body, config)
        received_at = clock.now()
        rate.spend(g.token.id, len(batch.events), received_at)
        outcome = _writer().submit(Incoming(g.token.bot_id, batch, received_at))
    return {"stored": outcome.stored, "duplicates": outcome.duplicates}


@blueprint.after_request
def _count_refusals(reply: Response) -> Response:
    if reply.status_code >= 400:
        error = (reply.get_json(silent=True) or {}).get("error", {})
        counters.count("botwatch_ingest_rejected_total", reason=error.get("code", "unknown"))
    return reply


def _decoded(body: bytes, config: Config) -> Batch:
    if request.mimetype not in _TYPES:
        raise UnsupportedEncoding(f"Content-Type: expected {_TYPES[0]}, got {request.mimetype[:80]!r}")
    batch = decode.batch(body, request.content_encoding or "", config.limits)
    if batch.header.bot is not None and batch.header.bot != g.token.bot.name:
        raise Forbidden("header.bot: the token belongs to another bot", at="header.bot")
    return batch


def _body(most: int) -> bytes:
    # One more than allowed: a body without a length is cut here silently, and must show as too long.
    request.max_content_length = most + 1
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge(f"the body is over {most} bytes") from None


def _writer() -> Writer:
    writer: Writer = current_app.extensions["botwatch.writer"]
    return writer
