"""The tokens of programs: made, rotated and revoked. A secret is shown once, in the answer that makes it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import bots, tokens
from ..errors import BotwatchError, InvalidParameter
from ..models import Token
from . import audit, base

blueprint = Blueprint("tokens", __name__, url_prefix="/settings/tokens")

_NAME_CHARACTERS = 100


@blueprint.get("")
@guard.requires_login(role="operator")
def show() -> str:
    """All of them, those in use first."""
    return _page()


@blueprint.post("")
@guard.requires_login(role="operator")
def add() -> tuple[str, int]:
    """A new one."""
    form = request.form
    try:
        bot = bots.named(form["bot"]) if form.get("bot") else None
        name = form.get("name", "").strip()
        if len(name) > _NAME_CHARACTERS:
            raise InvalidParameter(f"name: over {_NAME_CHARACTERS} characters", at="name")
        made = tokens.add(form.get("scope", ""), clock.now(), bot=bot, name=name)
    except BotwatchError as error:
        return _page(error=error.message), error.status
    audit.note(f"made the {made[0].scope} token {made[0].id}{f' of bot {bot.name}' if bot else ''}")
    return _page(made), 201


@blueprint.post("/<int:number>/rotate")
@guard.requires_login(role="operator")
def rotate(number: int) -> tuple[str, int]:
    """Another secret with the same rights; the old one ends at once."""
    try:
        made = tokens.rotate(tokens.named(str(number)), clock.now())
    except BotwatchError as error:
        return _page(error=error.message), error.status
    audit.note(f"replaced the token {number} by {made[0].id}")
    return _page(made), 201


@blueprint.post("/<int:number>/revoke")
@guard.requires_login(role="operator")
def revoke(number: int) -> Response:
    """End one at once; safe to repeat."""
    tokens.revoke(tokens.named(str(number)), clock.now())
    audit.note(f"revoked the token {number}")
    return redirect(url_for("tokens.show"), 303)


def _page(made: tuple[Token, str] | None = None, error: str | None = None) -> str:
    found = sorted(tokens.listed(), key=lambda token: (token.revoked_at is not None, token.id))
    return base.render(
        "settings/tokens.html",
        guard.reader(),
        tokens=[(token, _moments(token)) for token in found],
        made=made,
        error=error,
        scopes=tuple(tokens.PREFIXES),
        at=clock.iso(clock.now()),
    )


def _moments(token: Token) -> dict[str, str | None]:
    moments = {name: getattr(token, name) for name in ("created_at", "last_used_at", "revoked_at")}
    return {name: clock.iso(at) if at is not None else None for name, at in moments.items()}
