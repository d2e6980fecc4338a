"""/debug/...: the short answers for scripts."""

import logging

import peewee
from flask import Blueprint, Response, copy_current_request_context

from .. import clock
from ..analytics.service import metrics, no_database, quick_health
from ..guard import requires_reader
from . import params
from .answers import answer
from .deadline import within

blueprint = Blueprint("debug", __name__, url_prefix="/debug")

_log = logging.getLogger(__name__)

_DEADLINE_S = 1.0
"""An answer takes some milliseconds; a busy machine must not look like a dead database."""


@blueprint.get("/metrics")
@requires_reader
def get_metrics() -> Response:
    """A few figures of the bots, and of the collector itself."""
    return answer(metrics(params.bots(), clock.now(), params.zone()))


@blueprint.get("/health-quick")
def get_health() -> Response:
    """Database, memory, bots and what they depend on; 503 when the first two fail.

    Without a database no token can be checked: then the answer tells that, and nothing more, to anyone.
    """
    try:
        return within(_DEADLINE_S, copy_current_request_context(_health))
    except (peewee.OperationalError, peewee.InterfaceError, TimeoutError) as error:
        _log.warning("health check: the database does not answer: %s", error or "it hangs")
        return answer(no_database(clock.now()), 503)


@requires_reader
def _health() -> Response:
    found = quick_health(params.bots(), clock.now())
    return answer(found, 503 if found.status == "fail" else 200)
