"""Accounts of the people who use these pages: for admins."""

from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import accounts
from ..errors import BotwatchError, InvalidParameter
from ..models import Account
from . import audit, base

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
    audit.note(f"added account {accounts.normal(form['username'])} as {form['role']}")
    return _back()


@blueprint.post("/<username>")
@guard.requires_login(role="admin")
def change(username: str) -> Response | tuple[str, int]:
    """What the pressed button says: another role or password, out or in again."""
    account, name = accounts.named(username), request.form.get("change", "")
    try:
        if name not in _CHANGES:
            raise InvalidParameter(f"change: expected one of {', '.join(_CHANGES)}, got {name[:40]!r}")
        _CHANGES[name](account, request.form)
    except BotwatchError as error:
        return _page(error=error.message), error.status
    audit.note(f"changed account {account.username}: {name}")
    return _back()


_CHANGES: dict[str, Callable[[Account, Mapping[str, str]], None]] = {
    "role": lambda account, form: accounts.change_role(account, form.get("role", "")),
    "password": lambda account, form: accounts.change_password(account, form.get("password", "")),
    "disable": lambda account, _: accounts.disable(account, clock.now()),
    "enable": lambda account, _: accounts.enable(account),
}


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
