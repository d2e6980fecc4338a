"""The search page: what is found of the text that was typed into the box at the top of every page."""

from flask import Blueprint, request

from .. import clock, guard, messages
from ..analytics.finding import bots_found, users_found
from . import base

blueprint = Blueprint("search_page", __name__)

_BOTS_SHOWN = 20
_USERS_SHOWN = 20
_MESSAGES_SHOWN = 20


@blueprint.get("/search")
@guard.requires_login()
def search() -> str:
    """What is found, or the box alone."""
    reader, wanted = guard.reader(), request.args.get("q", "").strip()
    bots = base.chosen_bots(reader)
    return base.render(
        "search.html",
        reader,
        wanted=wanted,
        found_bots=bots_found([bot.name for bot in reader.bots()], wanted, _BOTS_SHOWN),
        found_users=users_found(bots, wanted, _USERS_SHOWN),
        found_messages=messages.newest_with(bots, wanted, _MESSAGES_SHOWN),
        at=clock.iso(clock.now()),
    )
