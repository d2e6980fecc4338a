"""GET /api/users/...: one person, as the page about them shows it."""

from typing import Literal

import msgspec
from flask import Blueprint, Response, current_app, request

from .. import clock
from ..analytics.activities import ActivityRow, activities
from ..analytics.person import Person, Writing, known, person, writing
from ..analytics.talk import Talk
from ..analytics.window import LATEST, Window
from ..config import Config
from ..guard import requires_reader
from ..messages import Filters, MessageRow, page
from ..messages.talks import newest_talk
from . import params
from .answers import answer

blueprint = Blueprint("users", __name__)

BUCKETS: tuple[Literal["hour", "day", "week", "month"], ...] = ("hour", "day", "week", "month")
_ROWS = 20
_EVER = Window(0, LATEST)


class UserReport(msgspec.Struct, frozen=True):
    """`writing`, `talk` and `activities` are of the window, `messages` the last there are; newest first."""

    user: Person
    writing: Writing
    talk: Talk
    activities: list[ActivityRow]
    messages: list[MessageRow]


@blueprint.get("/api/users")
@requires_reader
def get_user_by_id() -> Response:
    """For ids that a path can't hold."""
    return _report(request.args.get("id", ""))


@blueprint.get("/api/users/<path:user_id>")
@requires_reader
def get_user(user_id: str) -> Response:
    """All of it; 404 for somebody who has written to none of the bots."""
    return _report(user_id)


def _report(user_id: str) -> Response:
    config: Config = current_app.config["BOTWATCH"]
    found = known(params.bots(), user_id)
    theirs, limit = [one.bot_id for one in found], params.limit(_ROWS, config.limits.page_rows)
    window, zone = params.window(clock.now()), params.zone()
    bucket = BUCKETS[BUCKETS.index(params.word("bucket", BUCKETS, "day"))]
    return answer(
        UserReport(
            person(found),
            writing(found, window, bucket, zone, config.limits.points),
            newest_talk(theirs, user_id, window, zone, limit),
            activities(theirs, window, {"user": user_id}, limit).activities,
            page(theirs, _EVER, Filters(user=user_id), limit).messages,
        )
    )
