"""/api/monitoring/...: what the Monitoring page shows, for programs."""

from typing import Any, Literal

import msgspec
from flask import Blueprint, Response, current_app

from .. import clock, stream
from ..analytics.availability import RANGES, Availability, RangeName, availability
from ..analytics.dashboard import ACTIVE_NOW_MS, Dashboard, dashboard, today
from ..analytics.people import users
from ..analytics.resources import RANGES as RESOURCE_RANGES
from ..analytics.resources import RangeName as ResourceRange
from ..analytics.resources import resources
from ..analytics.top_users import Cursor, TopUser, top_users
from ..analytics.window import Window
from ..config import Config
from ..guard import requires_reader
from . import params
from .answers import answer

blueprint = Blueprint("monitoring_api", __name__, url_prefix="/api/monitoring")

_FEED = 50
_USERS = 100


class StreamedMessage(msgspec.Struct, frozen=True):
    """The data of a frame of the stream. Times in milliseconds are null where nothing was timed."""

    id: int
    kind: Literal["message"]
    bot: str
    direction: Literal["in", "out"]
    user_id: str | None
    user_name: str | None
    message_text: str | None
    timestamp: str
    response_time: int | None
    wait_ms: int | None
    channel: str | None
    event_id: str | None
    attributes: dict[str, str | int | float | bool | None] | None


class Board(Dashboard, frozen=True):
    """The dashboard with the availability of the last 24 hours, and the newest messages, newest first."""

    availability: list[Availability]
    feed: list[StreamedMessage]


class AvailabilityOfBots(msgspec.Struct, frozen=True):
    """Slots are of 30 minutes in 24 hours, of 3 hours in 7 days; the last one is still open."""

    range: RangeName
    at: str
    bots: list[Availability]


class ActiveUsersList(msgspec.Struct, frozen=True):
    """`count` is all of them, `users` those that `limit` and `cursor` ask for, the busiest first."""

    window: Literal["now", "today"]
    since: str
    count: int
    users: list[TopUser]
    next: str | None


@blueprint.get("/dashboard")
@requires_reader
def get_dashboard() -> Response:
    """Everything on the page, and the newest messages as the stream tells them."""
    bots = params.bots()
    now = clock.now()
    body: dict[str, Any] = msgspec.to_builtins(dashboard(bots, now, params.zone()))
    return answer(
        body | {"availability": _availability(bots, "24h", now), "feed": stream.latest(bots, _FEED)}
    )


@blueprint.get("/availability")
@requires_reader
def get_availability() -> Response:
    """Whether each bot was there, by its heartbeats."""
    asked = params.word("range", tuple(RANGES), "24h")
    name: RangeName = "7d" if asked == "7d" else "24h"
    now = clock.now()
    return answer(AvailabilityOfBots(name, clock.iso(now), _availability(params.bots(), name, now)))


@blueprint.get("/instances/<int:number>")
@requires_reader
def get_instance(number: int) -> Response:
    """What an instance has used."""
    config: Config = current_app.config["BOTWATCH"]
    asked = params.word("range", tuple(RESOURCE_RANGES), "1h")
    name: ResourceRange = next(one for one in RESOURCE_RANGES if one == asked)
    # What a database's key can be; a longer number is no instance either.
    return answer(resources(params.bots(), min(number, 2**62), name, clock.now(), config.keep))


@blueprint.get("/active-users")
@requires_reader
def get_active_users() -> Response:
    """Who is active: in the last 30 minutes, or since midnight in the zone."""
    config: Config = current_app.config["BOTWATCH"]
    name = params.word("window", ("now", "today"), "now")
    cursor, limit = params.cursor(Cursor), params.limit(_USERS, config.limits.page_rows)
    now, bots = clock.now(), params.bots()
    window = Window(now - ACTIVE_NOW_MS, now + 1) if name == "now" else today(now, params.zone())
    if cursor:
        window = cursor.window
    page = top_users(bots, window, limit, cursor)
    return answer(
        ActiveUsersList(
            "now" if name == "now" else "today",
            clock.iso(window.start),
            users(bots, window),
            page.users,
            page.next,
        )
    )


def _availability(bots: list[int], name: RangeName, now: int) -> list[Availability]:
    config: Config = current_app.config["BOTWATCH"]
    return availability(bots, name, now, kept_since=config.keep.heartbeats_since(now))
