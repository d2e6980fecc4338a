"""What belongs to the account that is logged in: its password, and the zone that times are told in."""

from zoneinfo import available_timezones

from flask import Blueprint, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import accounts, logins
from ..config import Config, Limits
from ..errors import BotwatchError, InvalidParameter, Unauthorized
from ..models import Account
from . import audit, base

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("")
@guard.requires_login()
def settings() -> str:
    """Both forms."""
    return _page()


@blueprint.post("/zone")
@guard.requires_login()
def choose_zone() -> Response | tuple[str, int]:
    """Another zone, or the browser's."""
    zone = request.form.get("zone") or None
    if zone is not None and zone not in available_timezones():
        return _page(error="Choose a zone from the list."), 400
    accounts.choose_zone(_account(), zone)
    return redirect(url_for("settings.settings", done="zone"), 303)


@blueprint.post("/password")
@guard.requires_login()
def change_password() -> Response | tuple[str, int]:
    """Another password; every other browser has to log in again with it."""
    account, current = _account(), request.form.get("current", "")
    try:
        logins.confirmed(account.username, current, request.remote_addr or "", _limits(), clock.now())
        accounts.change_password(account, _twice("password", "again"))
    except Unauthorized:
        return _page(error="The present password is not right."), 400
    except BotwatchError as error:
        return _page(error=error.message), error.status
    audit.note("changed the own password")
    guard.remember(logins.start(account, _limits(), clock.now()))
    return redirect(url_for("settings.settings", done="password"), 303)


def _twice(first: str, second: str) -> str:
    password = request.form.get(first, "")
    if password != request.form.get(second, ""):
        raise InvalidParameter("The new password was typed differently the second time.")
    return password


def _page(error: str | None = None) -> str:
    return base.render(
        "settings/own.html",
        guard.reader(),
        error=error,
        done=request.args.get("done"),
        zones=sorted(available_timezones()),
    )


def _account() -> Account:
    account = guard.reader().account
    assert account is not None
    return account


def _limits() -> Limits:
    config: Config = current_app.config["BOTWATCH"]
    return config.limits
