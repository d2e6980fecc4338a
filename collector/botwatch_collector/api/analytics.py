"""/api/analytics/...: what people do with the bots."""

from flask import Blueprint, Response, current_app

from .. import clock
from ..analytics.anomalies import anomalies
from ..analytics.heatmap import heatmap
from ..analytics.overview import overview
from ..analytics.timeline import timeline
from ..analytics.top_users import Cursor, top_users
from ..config import Config, Limits
from ..guard import requires_reader
from . import params
from .answers import answer

blueprint = Blueprint("analytics", __name__, url_prefix="/api/analytics")

_USERS = 20


@blueprint.get("/overview")
@requires_reader
def get_overview() -> Response:
    """Messages, users and response times, beside the window before."""
    return answer(overview(params.bots(), params.window(clock.now())))


@blueprint.get("/timeline")
@requires_reader
def get_timeline() -> Response:
    """The window in buckets."""
    window, zone = params.window(clock.now()), params.zone()
    return answer(timeline(params.bots(), window, params.bucket(), zone, _limits().points))


@blueprint.get("/users")
@requires_reader
def get_users() -> Response:
    """Who writes most. A `cursor` brings its window along."""
    cursor, limit = params.cursor(Cursor), params.limit(_USERS, _limits().page_rows)
    window = cursor.window if cursor else params.window(clock.now())
    return answer(top_users(params.bots(), window, limit, cursor))


@blueprint.get("/anomalies")
@requires_reader
def get_anomalies() -> Response:
    """The buckets that are far from usual."""
    now, zone = clock.now(), params.zone()
    window = params.window(now)
    return answer(
        anomalies(params.bots(), window, params.bucket(), zone, now=now, most_points=_limits().points)
    )


@blueprint.get("/heatmap")
@requires_reader
def get_heatmap() -> Response:
    """The window as one week."""
    return answer(heatmap(params.bots(), params.window(clock.now()), params.zone()))


def _limits() -> Limits:
    config: Config = current_app.config["BOTWATCH"]
    return config.limits
