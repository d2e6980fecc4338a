"""GET /metrics: what Prometheus scrapes, with a read token."""

from flask import Blueprint, Response, request

from .. import clock
from ..guard import reader, requires_reader
from ..metrics import exposition

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@requires_reader
def metrics() -> Response:
    """In Prometheus' text format or OpenMetrics, as asked for. A token of one bot sees that bot alone."""
    bots = {bot.id: bot.name for bot in reader().bots()}
    token = reader().token
    body, content_type = exposition(
        bots,
        clock.now(),
        request.headers.get("Accept", ""),
        whole=token is None or token.bot_id is None,
    )
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
