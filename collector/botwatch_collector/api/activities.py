"""GET /api/activities: what bots did and what went wrong in them."""

from flask import Blueprint, Response, current_app

from .. import clock
from ..analytics.activities import FILTERS, Cursor, activities
from ..config import Config
from ..guard import requires_reader
from . import params
from .answers import answer

blueprint = Blueprint("activities", __name__)

_ROWS = 100


@blueprint.get("/api/activities")
@requires_reader
def get_activities() -> Response:
    """Newest first. A `cursor` brings its window along."""
    config: Config = current_app.config["BOTWATCH"]
    cursor, limit = params.cursor(Cursor), params.limit(_ROWS, config.limits.page_rows)
    window = cursor.window if cursor else params.window(clock.now())
    wanted = {name: value for name in FILTERS if (value := params.text(name)) is not None}
    return answer(activities(params.bots(), window, wanted, limit, cursor))
