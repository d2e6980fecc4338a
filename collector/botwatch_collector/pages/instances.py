"""A page for each instance: what it has used over the last hour, day or week."""

from typing import Any

import msgspec
from flask import Blueprint, current_app, render_template, request

from .. import clock, guard
from ..analytics.resources import RANGES, RangeName, resources
from ..config import Config

blueprint = Blueprint("instances", __name__, url_prefix="/instances")

_IN_TABLE = 120
_TITLES = {"1h": "Hour", "24h": "24 hours", "7d": "7 days"}


@blueprint.get("/<int:number>")
@guard.requires_login()
def show(number: int) -> str:
    """The whole page."""
    return render_template("instance.html", titles=_TITLES, **_figures(number))


@blueprint.get("/<int:number>/figures")
@guard.requires_login()
def figures(number: int) -> str:
    """The parts that are brought up to date while the page is open."""
    return render_template("instance/figures.html", **_figures(number))


def _figures(number: int) -> dict[str, Any]:
    config: Config = current_app.config["BOTWATCH"]
    asked, now = request.args.get("range", ""), clock.now()
    name: RangeName = next((one for one in RANGES if one == asked), "1h")
    # What a database's key can be; a longer number is no instance either.
    found = resources(guard.reader().bot_ids(), min(number, 2**62), name, now, config.keep)
    shown = msgspec.to_builtins(found)
    readings = shown["readings"]
    return {
        "number": number,
        "found": shown,
        "newest": readings[-_IN_TABLE:],
        "left_out": max(len(readings) - _IN_TABLE, 0),
        "at": clock.iso(now),
    }
