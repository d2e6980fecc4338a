"""/livez, /readyz, /healthz: whether to restart this process, and whether to send it traffic.

They need no token, and tell the names of the checks but no reasons: those are in the log.
"""

import logging
from collections.abc import Callable

import peewee
from flask import Blueprint, Response, current_app, jsonify, request

from .. import damage, db, migrations
from ..errors import BotwatchError
from ..ingest.writer import Writer
from ..lifecycle import stopping

blueprint = Blueprint("health", __name__)

_log = logging.getLogger(__name__)


@blueprint.get("/livez")
def live() -> Response:
    """The process answers. Never asks the database: its outage is no reason to restart this."""
    return _text("ok\n", 200)


@blueprint.get("/readyz")
def ready() -> Response:
    """200 when requests can be served. `?verbose` names each check, as Kubernetes does."""
    results = _results()
    is_ready = all(results.values())
    word = "ok\n" if is_ready else "not ready\n"
    if "verbose" in request.args:
        word = "".join(_line(name, good) for name, good in results.items()) + word
    return _text(word, 200 if is_ready else 503)


@blueprint.get("/healthz")
def healthy() -> Response:
    """The checks of /readyz as JSON."""
    results = _results()
    is_ready = all(results.values())
    checks = {name: "ok" if good else "fail" for name, good in results.items()}
    reply = jsonify(status="ok" if is_ready else "fail", checks=checks)
    reply.status_code = 200 if is_ready else 503
    return reply


def _database_answers() -> bool:
    db.database.execute_sql("SELECT 1").fetchone()
    return True


def _file_is_intact() -> bool:
    return damage.found() is None


def _takes_events() -> bool:
    writer: Writer = current_app.extensions["botwatch.writer"]
    return writer.is_storing()


def _schema_is_current() -> bool:
    return not migrations.pending()


def _is_staying() -> bool:
    return not stopping.is_set()


_CHECKS: dict[str, Callable[[], bool]] = {
    "process": _is_staying,
    "database": _database_answers,
    "schema": _schema_is_current,
    "intact": _file_is_intact,
    "ingest": _takes_events,
}


def _results() -> dict[str, bool]:
    return {name: _passes(name, check) for name, check in _CHECKS.items()}


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (peewee.PeeweeException, BotwatchError, OSError) as error:
        _log.warning("health check %s: %s", name, error)
        return False


def _line(name: str, good: bool) -> str:
    return f"[+]{name} ok\n" if good else f"[-]{name} failed\n"


def _text(body: str, status: int) -> Response:
    return Response(body, status, mimetype="text/plain")
