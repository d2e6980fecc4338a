"""GET /api/search: bots, people and messages, as the search page finds them."""

import msgspec
from flask import Blueprint, Response, current_app, request

from .. import guard, messages
from ..analytics.finding import FoundUser, bots_found, users_found
from . import params
from .answers import answer

blueprint = Blueprint("search", __name__)


class Found(msgspec.Struct, frozen=True):
    """At most `limit` of each; messages newest first."""

    bots: list[str]
    users: list[FoundUser]
    messages: list[messages.MessageRow]


@blueprint.get("/api/search")
@guard.requires_reader
def search() -> Response:
    """Nothing is found for no text."""
    bots, text = params.bots(), request.args.get("q", "")
    limit = params.limit(20, current_app.config["BOTWATCH"].limits.page_rows)
    names = bots_found([bot.name for bot in guard.reader().bots()], text, limit)
    return answer(Found(names, users_found(bots, text, limit), messages.newest_with(bots, text, limit)))
