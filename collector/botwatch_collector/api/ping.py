"""/ping/KEY: jobs that report by an address alone. The answer comes when the ping is durable."""

import re

from flask import Blueprint, Response, current_app, request

from .. import clock
from ..access import tokens
from ..access.rate import RateLimit
from ..config import Config
from ..errors import InvalidParameter, NotFound, Unauthorized
from ..ingest.pings import Ping, batch
from ..ingest.store import Incoming
from ..ingest.writer import Writer
from ..models import Token
from ..security import csrf
from .seats import seat

blueprint = Blueprint("ping", __name__)

_METHODS = ("GET", "POST")
_EXIT_STATUS = re.compile(r"[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@blueprint.route("/ping/<key>", defaults={"what": "success"}, methods=_METHODS)
@blueprint.route("/ping/<key>/<what>", methods=_METHODS)
def receive(key: str, what: str) -> Response:
    """A job has started, or ended well or not. Of what it sends along the start is kept."""
    now = clock.now()
    token = _job(key, now)
    ping = _ping(what)
    _limit().spend(token.id, 1, now)
    assert token.bot_id is not None
    with seat(token.bot_id):
        _writer().submit(Incoming(token.bot_id, batch(token, ping, now), now))
    return Response("OK\n", mimetype="text/plain")


csrf.exempt(receive)  # no cookie is looked at


def _job(key: str, now: int) -> Token:
    """Whatever is wrong with a key, the answer is the same."""
    try:
        token = tokens.find(key, now)
    except Unauthorized:
        token = None
    if token is None or token.scope != "ping":
        raise NotFound("there is no such ping address")
    return token


def _ping(what: str) -> Ping:
    run = request.args.get("rid")
    if run is not None and not _RUN.fullmatch(run):
        raise InvalidParameter("rid: expected 1 to 64 letters, digits and '_.-'", at="rid")
    if what == "start":
        return Ping("start", run=run, body=_body())
    if what in ("success", "fail"):
        return Ping("success" if what == "success" else "fail", run=run, body=_body())
    if not _EXIT_STATUS.fullmatch(what):
        raise NotFound("expected /start, /fail or an exit status from 0 to 255 behind the key")
    return Ping("fail" if int(what) else "success", int(what), run, _body())


def _body() -> str:
    config: Config = current_app.config["BOTWATCH"]
    request.max_content_length = 1 << 62  # a ping counts with any body: it is cut off instead of refused
    start = request.stream.read(config.limits.ping_body_bytes)
    return start.decode("utf-8", "replace").replace("\0", "\ufffd")


def _limit() -> RateLimit:
    limit: RateLimit = current_app.extensions["botwatch.pings"]
    return limit


def _writer() -> Writer:
    writer: Writer = current_app.extensions["botwatch.writer"]
    return writer
