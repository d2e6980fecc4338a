"""What is wrong: GET /api/status/alerts/active, and POST /api/alerts/ID/resolve."""

from flask import Blueprint, Response

from .. import alerts, clock, guard
from . import params
from .answers import answer

blueprint = Blueprint("alerts", __name__)


@blueprint.get("/api/status/alerts/active")
@guard.requires_reader
def get_active() -> Response:
    """Those that aren't resolved, the newest first."""
    return answer(alerts.active(params.bots(), clock.now()))


@blueprint.post("/api/alerts/<int:id>/resolve")
@guard.requires_operator
def resolve(id: int) -> Response:
    """End one by hand; the answer is the alert, and who resolved it first."""
    return answer(alerts.resolve(id, params.bots(), guard.reader().name, clock.now()))
