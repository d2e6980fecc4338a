"""/api/status/system/...: how the collector itself is doing, for programs."""

from flask import Blueprint, Response, current_app

from .. import clock, guard
from ..config import Config
from ..errors import Forbidden
from ..upkeep.report import report
from .answers import answer

blueprint = Blueprint("system_api", __name__, url_prefix="/api/status/system")


@blueprint.get("/collector")
@guard.requires_reader
def get_collector() -> Response:
    """For those who may see all bots: it is of no bot."""
    if guard.reader().sight() is not None:
        raise Forbidden("this needs a read token for all bots")
    config: Config = current_app.config["BOTWATCH"]
    return answer(report(config, clock.now()))
