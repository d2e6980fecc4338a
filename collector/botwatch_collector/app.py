"""Where everything meets: the Flask application of one worker."""

from importlib.resources import files

from flask import Flask, request

from . import counters, db, metrics, replies, rollups, security, stream
from .access import secret_key
from .access.rate import RateLimit
from .api import (
    activities,
    alerts,
    analytics,
    debug,
    docs,
    events,
    export,
    health,
    messages,
    openapi,
    ping,
    presence,
    search,
    users,
    whoami,
)
from .api import metrics as metrics_api
from .api import monitoring as monitoring_api
from .api import stream as stream_api
from .api import system as system_api
from .config import Config, load
from .ingest.shares import Shares
from .ingest.writer import Commit, Writer
from .pages import (
    accounts,
    base,
    bots,
    first_run,
    instances,
    login,
    monitoring,
    prometheus,
    settings,
    static_files,
    style,
    system,
    tokens,
)
from .pages import alerts as alerts_page
from .pages import analytics as analytics_page
from .pages import messages as messages_page
from .pages import search as search_page
from .pages import users as users_page
from .streamer import Door
from .upkeep import slow

BLUEPRINTS = (
    events.blueprint,
    ping.blueprint,
    health.blueprint,
    analytics.blueprint,
    activities.blueprint,
    messages.blueprint,
    monitoring_api.blueprint,
    users.blueprint,
    export.blueprint,
    system_api.blueprint,
    debug.blueprint,
    openapi.blueprint,
    docs.blueprint,
    search.blueprint,
    stream_api.blueprint,
    metrics_api.blueprint,
    whoami.blueprint,
    presence.blueprint,
    alerts.blueprint,
    login.blueprint,
    first_run.blueprint,
    monitoring.blueprint,
    system.blueprint,
    instances.blueprint,
    analytics_page.blueprint,
    messages_page.blueprint,
    users_page.blueprint,
    alerts_page.blueprint,
    settings.blueprint,
    bots.blueprint,
    tokens.blueprint,
    accounts.blueprint,
    search_page.blueprint,
    prometheus.blueprint,
)

# Blueprints, of which that of files is None, and endpoints.
_READ_NO_COUNTS = {
    None,
    health.blueprint.name,
    ping.blueprint.name,
    stream_api.blueprint.name,
    "debug.get_health",
}


def create_app(
    config: Config | None = None, *, cookie_key: str | None = None, door: Door | None = None
) -> Flask:
    """The application for one process; call it after the fork. The schema must be up to date.

    The key that signs cookies is read from the database unless the caller has it. Behind the door is the
    streamer; without one the process serves its streams itself.
    """
    config = config or load()
    slow.watch(db.connect(config.database, connections=config.threads + 8), config.slow_query_ms)
    web = files("botwatch_web")
    app = Flask(
        "botwatch_collector",
        template_folder=str(web / "templates"),
        static_folder=str(web / "static"),
        static_url_path="/static",
    )
    app.config["BOTWATCH"] = config
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["botwatch.door"] = door
    writer = Writer(config.limits, lambda commit: _committed(commit, door), config.presence)
    app.extensions["botwatch.writer"] = writer
    app.extensions["botwatch.seats"] = Shares(config.ingest_threads)
    app.extensions["botwatch.pings"] = RateLimit(config.limits.pings_per_s)
    app.extensions["botwatch.worker"] = metrics.Worker(
        {
            "botwatch_ingest_queue_events": lambda: writer.queued_events,
            "botwatch_stream_readers": stream.readers,
            "botwatch_stream_slow_readers": stream.slow_readers,
        }
    )
    app.secret_key = cookie_key or _kept_key()
    for blueprint in (*BLUEPRINTS, *((style.blueprint,) if config.debug else ())):
        app.register_blueprint(blueprint)
    security.protect(app)
    replies.register(app)
    base.register(app)
    static_files.register(app)
    app.before_request(_catch_up)
    app.teardown_appcontext(_give_back_connection)
    return app


def _committed(commit: Commit, door: Door | None) -> None:
    stream.wake()
    if door:
        door.ring()
    counters.count("botwatch_ingest_commit_seconds_sum", commit.seconds)
    counters.count("botwatch_ingest_commit_seconds_count")


def _catch_up() -> None:
    """Who reads finds counted what was stored before."""
    if request.method in ("GET", "HEAD") and not {request.blueprint, request.endpoint} & _READ_NO_COUNTS:
        rollups.catch_up_for_reader()


def _kept_key() -> str:
    with db.connected():
        return secret_key()


def _give_back_connection(_error: BaseException | None) -> None:
    if not db.database.is_closed():
        db.database.close()
