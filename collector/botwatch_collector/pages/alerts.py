"""The Alerts page: what is wrong, what was, and who resolved it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import alerts, clock, guard, stream
from ..access import accounts
from . import base

blueprint = Blueprint("alerts_page", __name__)

_SHOWN = 50


@blueprint.get("/alerts")
@guard.requires_login()
def show() -> str:
    """What is wrong now and what was, of the chosen bot or of all."""
    reader, now = guard.reader(), clock.now()
    bots = base.chosen_bots(reader)
    # Read before the rest: what is told after it can't be on the page already, or is asked for again.
    last_id = stream.latest_id()
    return base.render(
        "alerts.html",
        reader,
        active=alerts.active(bots, now),
        history=alerts.history(bots, _SHOWN),
        may_resolve=reader.account is not None and accounts.may(reader.account, "operator"),
        last_id=last_id,
        at=clock.iso(now),
    )


@blueprint.post("/alerts/<int:id>/resolve")
@guard.requires_login(role="operator")
def resolve(id: int) -> Response:
    """End one by hand; safe to repeat."""
    reader = guard.reader()
    alerts.resolve(id, reader.bot_ids(), reader.name, clock.now())
    return redirect(url_for("alerts_page.show", bot=request.args.get("bot") or None), 303)
