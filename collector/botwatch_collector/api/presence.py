"""Who is there: /api/status/users/... and /api/users/presence/..."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response, current_app

from .. import clock, presence
from ..config import Config
from ..errors import InvalidParameter
from ..guard import requires_operator, requires_reader
from . import params
from .answers import answer

blueprint = Blueprint("presence", __name__)

_USERS = 100

UserId = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"\A[^\x00]*\Z")]


class Shown(msgspec.Struct, frozen=True):
    """Whether a user's status and last seen are shown to anybody."""

    user_id: UserId = msgspec.field(name="userId")
    show_online_status: bool


@blueprint.get("/api/status/users/online")
@requires_reader
def get_online() -> Response:
    """Everybody who isn't offline."""
    config = _config()
    limit = params.limit(_USERS, config.limits.page_rows)
    return answer(presence.online(params.bots(), clock.now(), config.presence, limit))


@blueprint.get("/api/users/presence/<path:user_id>")
@blueprint.get("/api/status/users/<path:user_id>/presence")
@requires_reader
def get_presence(user_id: str) -> Response:
    """One user, by whatever id the bot gave them."""
    wanted = params.plain("userId", user_id)
    return answer(presence.person(wanted, params.bots(), clock.now(), _config().presence))


@blueprint.get("/api/users/presence/settings")
@requires_reader
def get_settings() -> Response:
    """Whether a user is shown."""
    user_id = params.text("userId")
    if user_id is None:
        raise InvalidParameter("userId: required", at="userId")
    return answer(presence.settings(user_id, params.bots()))


@blueprint.patch("/api/users/presence/settings")
@requires_operator
def change_settings() -> Response:
    """Hide a user, or show them again."""
    asked = params.body(Shown)
    return answer(
        presence.set_shown(
            asked.user_id, asked.show_online_status, params.bots(), clock.now(), _config().presence
        )
    )


def _config() -> Config:
    config: Config = current_app.config["BOTWATCH"]
    return config
