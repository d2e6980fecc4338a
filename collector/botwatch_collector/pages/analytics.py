"""The Analytics page: how a range of time compares with the one before, and who writes when."""

from typing import Any

import msgspec
from flask import Blueprint, current_app, request

from .. import clock, guard
from ..analytics.anomalies import Anomalies, anomalies
from ..analytics.course import Step, course
from ..analytics.heatmap import heatmap
from ..analytics.overview import overview
from ..analytics.top_users import Cursor, top_users
from ..config import Config
from . import base, periods
from .periods import Period
from .shades import shaded

blueprint = Blueprint("analytics_page", __name__)

_USERS_SHOWN = 20


@blueprint.get("/analytics")
@guard.requires_login()
def analytics() -> str:
    """The whole page; everything it shows is asked for by its address."""
    reader, now, zone = guard.reader(), clock.now(), base.reader_zone()
    bots = base.chosen_bots(reader)
    period = periods.asked(now, zone)
    steps = course(bots, period.window, period.bucket, zone)
    unusual = _unusual(bots, period, now)
    cursor = Cursor.read(request.args["users_after"]) if request.args.get("users_after") else None
    return base.render(
        "analytics.html",
        reader,
        period=period,
        bucket_choices=base.bucket_choices(period),
        board=msgspec.to_builtins(overview(bots, period.window)),
        course=_course(steps, period, unusual, now),
        is_judged=unusual is None or unusual.judged > 0,
        heatmap=shaded(heatmap(bots, period.window, zone).cells),
        top=top_users(bots, cursor.window if cursor else period.window, _USERS_SHOWN, cursor),
        is_first_page=cursor is None,
        at=clock.iso(now),
    )


def _unusual(bots: list[int], period: Period, now: int) -> Anomalies | None:
    """None for minutes: what is usual is known of hours and longer."""
    if period.bucket == "minute":
        return None
    most_points = _config().limits.points
    return anomalies(bots, period.window, period.bucket, period.zone, now=now, most_points=most_points)


def _course(steps: list[Step], period: Period, unusual: Anomalies | None, now: int) -> list[dict[str, Any]]:
    """The chart's steps with what is unusual about them; the last one may still be open."""
    of_step = {one.at: one for one in unusual.anomalies} if unusual else {}
    made = []
    for step in steps:
        anomaly = of_step.get(step.at)
        told = {"expected": anomaly.expected, "more": anomaly.deviations > 0} if anomaly else None
        more = {"total": step.received + step.sent, "unusual": told}
        made.append(msgspec.to_builtins(step) | more | ({} if period.compares else {"before": None}))
    made[-1]["open"] = period.window.end > now
    return made


def _config() -> Config:
    config: Config = current_app.config["BOTWATCH"]
    return config
