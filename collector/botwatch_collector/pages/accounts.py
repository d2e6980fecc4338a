"""Accounts of the people who use these pages: for admins."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import accounts
from ..errors import BotwatchError
from . import base

blueprint = Blueprint("accounts", __name__, url_prefix="/settings/accounts")


@blueprint.get("")
@guard.requires_login(role="admin")
def show() -> str:
    """All of them."""
    return _page()


@blueprint.post("")
@guard.requires_login(role="admin")
def add() -> Response | tuple[str, int]:
    """A new one."""
    form = request.form
    try:
        accounts.add(form.get("username", ""), form.get("password", ""), form.get("role", ""), clock.now())
    except BotwatchError as error:
        return _page(error=error.message, username=form.get("username", "")), error.status
    return _back()


@blueprint.post("/<username>")
@guard.requires_login(role="admin")
def change(username: str) -> Response | tuple[str, int]:
    """What the pressed button says: another role or password, out or in again."""
    form, account = request.form, accounts.named(username)
    try:
        if form.get("change") == "role":
            accounts.change_role(account, form.get("role", ""))
        elif form.get("change") == "password":
            accounts.change_password(account, form.get("password", ""))
        elif form.get("change") == "disable":
            accounts.disable(account, clock.now())
        elif form.get("change") == "enable":
            accounts.enable(account)
    except BotwatchError as error:
        return _page(error=error.message), error.status
    return _back()


def _back() -> Response:
    return redirect(url_for("accounts.show"), 303)


def _page(error: str | None = None, username: str = "") -> str:
    return base.render(
        "settings/accounts.html",
        guard.reader(),
        accounts=[(one, clock.iso(one.created_at)) for one in accounts.listed()],
        roles=accounts.ROLES,
        error=error,
        username=username,
    )
