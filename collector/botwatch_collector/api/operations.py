"""What the API offers, as a table: the description for programs is made from it."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from .. import stream
from ..alerts import ActiveAlerts, Alert
from ..analytics.activities import FILTERS, Activities
from ..analytics.anomalies import Anomalies
from ..analytics.heatmap import Heatmap
from ..analytics.overview import Overview
from ..analytics.resources import Resources
from ..analytics.service import Metrics, QuickHealth
from ..analytics.timeline import Timeline
from ..analytics.top_users import TopUsers
from ..messages import Conversation, Messages
from ..presence import PresenceInfo, PresenceSettings, UsersOnline
from ..upkeep.report import Report
from .monitoring import ActiveUsersList, AvailabilityOfBots, Board
from .presence import Shown
from .search import Found
from .users import BUCKETS, UserReport


class Stored(msgspec.Struct, frozen=True):
    """What became of a batch's events."""

    stored: int
    duplicates: int


class WhoAmI(msgspec.Struct, frozen=True):
    """The token's scope and bot (null: all bots), and the collector's clock in unix milliseconds."""

    scope: Literal["ingest", "read", "ping"]
    bot: str | None
    time: int


class Probe(msgspec.Struct, frozen=True):
    """Each check by name, ok or fail."""

    status: Literal["ok", "fail"]
    checks: dict[str, str]


@dataclass(frozen=True)
class Parameter:
    """A query parameter, a header, or a part of the path."""

    name: str
    description: str
    schema: dict[str, Any]
    repeats: bool = False
    place: Literal["query", "header", "path"] = "query"


@dataclass(frozen=True)
class Operation:
    """One thing to ask for. `access` is the scope of the token; None: no token, "any": either scope.

    `takes` is the type of a JSON body.
    """

    path: str
    summary: str
    access: Literal["read", "ingest", "any"] | None = "read"
    parameters: tuple[Parameter, ...] = ()
    answers: Any = None
    media_type: str = "application/json"
    method: Literal["get", "post", "patch"] = "get"
    takes_batch: bool = False
    takes: Any = None
    errors: tuple[int, ...] = ()


GROUPS = (
    ("Send", ("/api/events", "/api/whoami")),
    ("Jobs", ("/ping/",)),
    ("Live", ("/api/monitoring/stream", "/debug/message-stream")),
    ("Analytics", ("/api/analytics/",)),
    ("Alerts", ("/api/alerts/", "/api/status/alerts/")),
    ("Presence", ("/api/status/users/", "/api/users/presence")),
    ("Messages and users", ("/api/messages", "/api/users", "/api/search")),
    ("Monitoring", ("/api/monitoring/", "/api/activities", "/debug/")),
    ("Prometheus and Grafana", ("/metrics",)),
    ("State of the collector", ("/livez", "/readyz", "/healthz")),
    ("The API itself", ("/api/openapi.json", "/api/docs")),
    ("More", ("/",)),
)
"""Where an operation is told of: with the first of these that its path begins with."""

_TEXT = {"type": "string"}
_MOMENT = (
    "ISO 8601 with Z or an offset, without one in the zone of tz, or a date alone; or unix milliseconds. "
)

BOT = Parameter("bot", "Only this bot; more than one may be named. All that the token may see.", _TEXT, True)
TZ = Parameter("tz", "IANA time zone", {"type": "string", "default": "UTC"})
FROM = Parameter("from", _MOMENT + "The window begins with it; 30 days before `to` unless given.", _TEXT)
TO = Parameter("to", _MOMENT + "The window ends before it; now unless given.", _TEXT)
BUCKET = Parameter(
    "bucket",
    "How long each point is, in the zone of tz; weeks start on Monday",
    {"enum": ["minute", "hour", "day", "week", "month"], "default": "day"},
)
CURSOR = Parameter(
    "cursor", "The `next` of the page before; its window is kept, from and to don't count", _TEXT
)
FORMAT = Parameter("format", "Of the file", {"enum": ["csv", "json", "ndjson"], "default": "csv"})
ACTIVE = Parameter(
    "window", "The last 30 minutes, or since midnight", {"enum": ["now", "today"], "default": "now"}
)
RANGE = Parameter("range", "How far back", {"enum": ["24h", "7d"], "default": "24h"})
RESOURCE_RANGE = Parameter("range", "How far back", {"enum": ["1h", "24h", "7d"], "default": "1h"})
INSTANCE = Parameter("number", "The `id` of an instance", {"type": "integer"}, place="path")


def _limit(default: int) -> Parameter:
    return Parameter(
        "limit", "Rows of a page", {"type": "integer", "minimum": 1, "maximum": 1_000, "default": default}
    )


_WINDOW = (BOT, FROM, TO, TZ)
_ACTIVITIES = tuple(Parameter(name, f"Only activities of this {name}", _TEXT) for name in FILTERS)
_STREAM = (
    BOT,
    Parameter("user", "Only events of this user id", _TEXT),
    Parameter("direction", "Only messages in, or out", {"enum": ["in", "out"]}),
    Parameter("channel", "Only messages of this channel of the bot", _TEXT),
    Parameter("text", "Only messages that hold this, in capitals or not", _TEXT),
    Parameter("last_event_id", "As the header Last-Event-ID, for clients that can't set it", _TEXT),
    Parameter("Last-Event-ID", "Go on after this event; without it, with the next", _TEXT, place="header"),
)
_EVER = "From the first to the last unless given."
_FILTERS = (
    Parameter("user", "Only messages from or to this user id", _TEXT),
    Parameter("direction", "Only messages in, or out", {"enum": ["in", "out"]}),
    Parameter("channel", "Only messages of this channel of the bot", _TEXT),
    Parameter("q", 'Only messages with these words: a "phrase", beg* for beginnings, -without', _TEXT),
)
_MESSAGES = (
    BOT,
    *_FILTERS,
    Parameter("from", _MOMENT + _EVER, _TEXT),
    Parameter("to", _MOMENT + "Not included. " + _EVER, _TEXT),
    TZ,
    _limit(100),
    Parameter("before", "The `older` of another page: go on from there", _TEXT),
    Parameter("after", "The `newer` of another page: go back from there", _TEXT),
)
_MESSAGE = Parameter("message_id", "The message's id", {"type": "integer"}, place="path")
_CHANNELS = Parameter(
    "channels",
    "Only these channels; all of them unless given",
    {"enum": list(stream.NAMES)},
    True,
)

_USER = Parameter("user_id", "The user's id", _TEXT, place="path")
_USER_ID = Parameter("id", "The user's id, also one that a path can't hold, such as `..`", _TEXT)
_USER_BUCKET = Parameter(
    "bucket",
    "How long each step is, in the zone of tz; weeks start on Monday",
    {"enum": list(BUCKETS), "default": "day"},
)
_USERS = tuple(
    Operation(
        path,
        "One person: who they are, how much they wrote, sessions, response times, last messages",
        parameters=(parameter, *_WINDOW, _USER_BUCKET, _limit(20)),
        answers=UserReport,
    )
    for path, parameter in (("/api/users/{user_id}", _USER), ("/api/users", _USER_ID))
)

_KEY = Parameter("key", "The job's key, bw_p_...", _TEXT, place="path")
_WHAT = Parameter("what", "start, fail, or the exit status from 0 to 255", _TEXT, place="path")
_RUN = Parameter("rid", "Names a run, where runs of the job overlap", _TEXT)
_USER = Parameter("user_id", "The user's id, as the bot gave it", _TEXT, place="path")
_METHODS: tuple[Literal["get", "post"], ...] = ("get", "post")
_PINGS = tuple(
    Operation(path, summary, None, parameters, media_type="text/plain", method=method, errors=(404, 429, 503))
    for path, summary, parameters in (
        ("/ping/{key}", "A job has ended well", (_KEY, _RUN)),
        ("/ping/{key}/{what}", "A job has started, or ended well or not", (_KEY, _WHAT, _RUN)),
    )
    for method in _METHODS
)

OPERATIONS = (
    Operation(
        "/api/events",
        "Store a batch of events; sending it again changes nothing",
        "ingest",
        answers=Stored,
        method="post",
        takes_batch=True,
        errors=(400, 403, 413, 415, 429, 503),
    ),
    *_PINGS,
    Operation("/api/whoami", "Which token this is, and what time it is here", "any", answers=WhoAmI),
    Operation(
        "/api/analytics/overview",
        "Messages, users and response times, beside the window before",
        parameters=_WINDOW,
        answers=Overview,
    ),
    Operation(
        "/api/analytics/timeline",
        "The window in buckets; those without messages are left out",
        parameters=(*_WINDOW, BUCKET),
        answers=Timeline,
    ),
    Operation(
        "/api/analytics/users",
        "Who writes most: messages received, then user id by code points",
        parameters=(*_WINDOW, _limit(20), CURSOR),
        answers=TopUsers,
    ),
    Operation(
        "/api/analytics/anomalies",
        "Buckets over two standard deviations from the same hour or day of the weeks before",
        parameters=(*_WINDOW, BUCKET),
        answers=Anomalies,
    ),
    Operation(
        "/api/analytics/heatmap",
        "Messages in by day of the week, Monday first, and hour of the day",
        parameters=_WINDOW,
        answers=Heatmap,
    ),
    Operation(
        "/api/activities",
        "What bots did and what went wrong in them, newest first",
        parameters=(*_WINDOW, *_ACTIVITIES, _limit(100), CURSOR),
        answers=Activities,
    ),
    Operation("/api/messages", "Single messages, newest first", parameters=_MESSAGES, answers=Messages),
    Operation(
        "/api/messages/{message_id}/conversation",
        "What was said before and after a message, newest first; `limit` on each side",
        parameters=(_MESSAGE, BOT, _limit(25)),
        answers=Conversation,
    ),
    *_USERS,
    Operation(
        "/api/monitoring/dashboard",
        "All that the Monitoring page shows",
        parameters=(BOT, TZ),
        answers=Board,
    ),
    Operation(
        "/api/monitoring/availability",
        "Whether each bot was there: its heartbeats in slots, its share of uptime, its outages",
        parameters=(BOT, RANGE),
        answers=AvailabilityOfBots,
    ),
    Operation(
        "/api/monitoring/instances/{number}",
        "What an instance has used: CPU, memory, loop lag, descriptors and threads, with gaps",
        parameters=(BOT, INSTANCE, RESOURCE_RANGE),
        answers=Resources,
        errors=(404,),
    ),
    Operation(
        "/api/monitoring/active-users",
        "Who is active, the busiest first",
        parameters=(BOT, ACTIVE, TZ, _limit(100), CURSOR),
        answers=ActiveUsersList,
    ),
    Operation(
        "/api/monitoring/export",
        "The messages of the window as a file: CSV with times in the zone, JSON, or JSON lines",
        parameters=(*_WINDOW, *_FILTERS, FORMAT),
        media_type="text/csv",
    ),
    Operation(
        "/api/search",
        "Bots with a text in their name, users whose id or name begins with it, messages with its words",
        parameters=(BOT, Parameter("q", "The text", _TEXT), _limit(20)),
        answers=Found,
    ),
    Operation(
        "/api/status/alerts/active",
        "What is wrong at present, the newest first",
        parameters=(BOT,),
        answers=ActiveAlerts,
    ),
    Operation(
        "/api/alerts/{id}/resolve",
        "End an alert by hand; safe to repeat",
        "ingest",
        parameters=(Parameter("id", "The alert's number", {"type": "integer"}, place="path"), BOT),
        answers=Alert,
        method="post",
    ),
    Operation(
        "/api/status/users/online",
        "Everybody who isn't offline, seen last first",
        parameters=(BOT, _limit(100)),
        answers=UsersOnline,
    ),
    *(
        Operation(path, "A user's presence", parameters=(_USER, BOT), answers=PresenceInfo)
        for path in ("/api/status/users/{user_id}/presence", "/api/users/presence/{user_id}")
    ),
    Operation(
        "/api/users/presence/settings",
        "Whether a user is shown",
        parameters=(Parameter("userId", "The user's id, as the bot gave it", _TEXT), BOT),
        answers=PresenceSettings,
    ),
    Operation(
        "/api/users/presence/settings",
        "Hide a user's status and last seen from everybody, or show them",
        "ingest",
        parameters=(BOT,),
        answers=PresenceSettings,
        method="patch",
        takes=Shown,
    ),
    Operation(
        "/api/status/system/collector",
        "How the collector itself is doing: ingest, stream, workers, jobs, database, slow queries, advice",
        answers=Report,
        errors=(403,),
    ),
    Operation(
        "/debug/metrics", "A few figures, and the collector's own", parameters=(BOT, TZ), answers=Metrics
    ),
    Operation(
        "/debug/health-quick",
        "Database, memory, bots and what they depend on; 503 when one of the first two fails",
        parameters=(BOT,),
        answers=QuickHealth,
        errors=(503,),
    ),
    Operation(
        "/api/monitoring/stream",
        "Messages, activities, presence, alerts, figures and health, as they are, as server-sent events",
        parameters=(_CHANNELS, *_STREAM),
        media_type="text/event-stream",
        errors=(429, 503),
    ),
    Operation(
        "/debug/message-stream",
        "Every message as it is stored, as server-sent events message:new",
        parameters=_STREAM,
        media_type="text/event-stream",
        errors=(429, 503),
    ),
    Operation("/metrics", "Figures for Prometheus", media_type="text/plain"),
    Operation("/metrics/grafana.json", "A dashboard to import into Grafana", answers=dict[str, Any]),
    Operation("/livez", "The process answers", None, media_type="text/plain"),
    Operation("/readyz", "Requests can be served", None, media_type="text/plain", errors=(503,)),
    Operation("/healthz", "The checks of /readyz by name", None, answers=Probe, errors=(503,)),
    Operation("/api/openapi.json", "This description", None, answers=dict[str, Any]),
    Operation("/api/docs", "The same for people", None, media_type="text/html"),
)
