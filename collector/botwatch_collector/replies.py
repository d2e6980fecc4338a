"""Turns errors into answers: JSON for programs, a page for people."""

import logging
import sqlite3

import peewee
from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from . import damage, db
from .errors import BotwatchError, Unavailable
from .security import shown_path

_log = logging.getLogger(__name__)

_PROGRAMS = ("/api/", "/debug/", "/metrics", "/livez", "/readyz", "/healthz", "/ping/")


def register(app: Flask) -> None:
    """Answer every error of the application here."""
    app.register_error_handler(BotwatchError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(peewee.PeeweeException, _database)
    # While rows are fetched Peewee lets the driver's own through.
    app.register_error_handler(sqlite3.DatabaseError, _database)
    app.register_error_handler(Exception, _unknown)


def _known(error: BotwatchError) -> Response:
    reply = _reply(error.status, error.code, error.message, error.at)
    if error.retry_after_s is not None:
        reply.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = 'Bearer realm="botwatch"'
    return reply


def _database(error: Exception) -> Response:
    if not damage.note(error) and not db.is_outage(error):
        return _unknown(error)
    path = shown_path(request.path)
    _log.warning("%s %s: the database does not answer: %s", request.method, path, error)
    # When it starts again each of them would fail a request.
    db.forget_idle_connections()
    return _known(Unavailable("the database does not answer at present", retry_after_s=5))


def _http(error: HTTPException) -> Response:
    reply = _reply(error.code or 500, error.name.lower().replace(" ", "_"), error.description or error.name)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            reply.headers[name] = value
    return reply


def _unknown(error: Exception) -> Response:
    _log.exception("%s %s failed", request.method, shown_path(request.path), exc_info=error)
    return _reply(500, "internal", "something went wrong here; the collector's log says what")


def _reply(status: int, code: str, message: str, at: str | None = None) -> Response:
    if request.path.startswith(_PROGRAMS):
        body = {"code": code, "message": message} | ({"at": at} if at else {})
        reply = jsonify(error=body)
    else:
        reply = Response(render_template("error.html", status=status, message=message), mimetype="text/html")
    reply.status_code = status
    return reply
