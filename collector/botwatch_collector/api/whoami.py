"""GET /api/whoami: which token this is, and what time it is here."""

from flask import Blueprint, g

from .. import clock
from ..access import tokens
from ..guard import requires_scope
from ..models import Token

blueprint = Blueprint("whoami", __name__)


@blueprint.get("/api/whoami")
@requires_scope(*tokens.PREFIXES)
def whoami() -> dict[str, str | int | None]:
    """Tells a program that it reaches the collector, that its token is good, and how far its clock is off."""
    token: Token = g.token
    return {"scope": token.scope, "bot": token.bot.name if token.bot else None, "time": clock.now()}
