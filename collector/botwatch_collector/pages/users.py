"""The page about one person: who they are, how much they write, and what was said of late."""

from collections.abc import Sequence

import msgspec
from flask import Blueprint, current_app, request

from .. import clock, guard
from ..analytics.activities import activities
from ..analytics.person import Known, Writing, known, person, writing
from ..analytics.window import LATEST, Window
from ..config import Config
from ..errors import NotFound
from ..messages import Filters, page
from ..messages.talks import newest_talk
from . import base, periods
from .periods import Period
from .shades import shaded

blueprint = Blueprint("users_page", __name__)

_SESSIONS_SHOWN = 20
_ACTIVITIES_SHOWN = 10
_MESSAGES_SHOWN = 30
_EVER = Window(0, LATEST)


@blueprint.get("/users")
@guard.requires_login()
def user_by_id() -> str | tuple[str, int]:
    """For an id that a path can't hold."""
    return _page(request.args.get("id", ""))


@blueprint.get("/users/<path:user_id>")
@guard.requires_login()
def user(user_id: str) -> str | tuple[str, int]:
    """Figures of the range, and the last messages whatever the range."""
    return _page(user_id)


def _page(user_id: str) -> str | tuple[str, int]:
    reader, now, zone = guard.reader(), clock.now(), base.reader_zone()
    bots = base.chosen_bots(reader)
    try:
        found = known(bots, user_id)
    except NotFound:
        return base.render("user_unknown.html", reader, user_id=user_id), 404
    period = periods.asked(now, zone)
    theirs = [one.bot_id for one in found]
    said = newest_talk(theirs, user_id, period.window, zone, _SESSIONS_SHOWN)
    last = page(theirs, _EVER, Filters(user=user_id), _MESSAGES_SHOWN)
    return base.render(
        "user.html",
        reader,
        period=period,
        bucket_choices=base.bucket_choices(period),
        person=person(found),
        writing=msgspec.to_builtins(_writing(found, period)),
        talk=msgspec.to_builtins(said),
        week=shaded(said.cells),
        last=last.messages,
        activities=activities(theirs, period.window, {"user": user_id}, _ACTIVITIES_SHOWN).activities,
        at=clock.iso(now),
    )


def _writing(found: Sequence[Known], period: Period) -> Writing:
    config: Config = current_app.config["BOTWATCH"]
    return writing(found, period.window, period.bucket, period.zone, config.limits.points)
