"""The style page: every component in every state, for those who build pages. Only debug mode has it."""

from flask import Blueprint

from .. import clock, guard
from ..analytics.top_users import TopUser
from . import base, periods
from .shades import shaded

blueprint = Blueprint("style", __name__)

_CELLS = [[hour * day % 17 * (hour > 5) for hour in range(24)] for day in range(1, 8)]
_COURSE = [120, 180, 90, 240, 310, 280, 330]
_HOURS = [
    {"at": f"2026-11-23T{hour:02}:00:00.000Z", "in": hour * 9 % 50, "out": hour * 7 % 40}
    for hour in range(24)
]


@blueprint.get("/ui")
@guard.requires_login()
def style() -> str:
    """The whole page, with made-up figures."""
    now = clock.now()
    earlier = clock.iso(now - 5 * clock.MINUTE)
    return base.render(
        "style.html",
        guard.reader(),
        period=periods.asked(now, base.reader_zone()),
        at=clock.iso(now),
        earlier=earlier,
        heatmap=shaded(_CELLS),
        course=_COURSE,
        hours=_HOURS,
        people=[TopUser("4711", "Ann", 1_234, earlier), TopUser("4712", None, 12, earlier)],
    )
