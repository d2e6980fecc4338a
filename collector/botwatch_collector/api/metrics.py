"""GET /metrics: what Prometheus scrapes, with a read token; and a dashboard for Grafana on it."""

from flask import Blueprint, Response, current_app, jsonify, request

from .. import clock
from ..config import Config
from ..guard import reader, requires_reader
from ..metrics import exposition
from ..metrics.grafana import dashboard

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@requires_reader
def metrics() -> Response:
    """In Prometheus' text format or OpenMetrics, as asked for. A token of one bot sees that bot alone."""
    config: Config = current_app.config["BOTWATCH"]
    bots = {bot.id: bot.name for bot in reader().bots()}
    token = reader().token
    body, content_type = exposition(
        bots,
        clock.now(),
        request.headers.get("Accept", ""),
        whole=token is None or token.bot_id is None,
        timeouts=config.presence,
    )
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


@blueprint.get("/metrics/grafana.json")
@requires_reader
def grafana() -> Response:
    """To be imported into Grafana."""
    reply = jsonify(dashboard())
    reply.headers["Content-Disposition"] = 'attachment; filename="botwatch-grafana.json"'
    return reply
