"""Logins: browser sessions kept in the database, so that they can be ended from here."""

import secrets

from .. import db
from ..clock import HOUR
from ..config import Limits
from ..errors import Unauthorized
from ..models import Account, Login
from . import accounts, throttle
from .credentials import hashed


def log_in(username: str, password: str, address: str, limits: Limits, now: int) -> str:
    """Start a login and return its secret for the browser's cookie.

    Raises Unauthorized, the same for an unknown name and a wrong password, and TooManyRequests.
    """
    return start(confirmed(username, password, address, limits, now), limits, now)


def confirmed(username: str, password: str, address: str, limits: Limits, now: int) -> Account:
    """The account of somebody who knows its password; raises as `log_in` does."""
    throttle.count(username, address, limits, now)
    account = accounts.verified(username, password)
    if account is None:
        raise Unauthorized("wrong username or password")
    throttle.forgive(username)
    return account


def start(account: Account, limits: Limits, now: int) -> str:
    """A login for an account that has shown who it is."""
    secret = secrets.token_urlsafe(32)
    with db.writing():
        Login.delete().where(Login.expires_at <= now).execute()
        Login.create(
            account=account, hash=hashed(secret), created_at=now, expires_at=now + limits.login_lifetime_ms
        )
    return secret


def find(secret: str, limits: Limits, now: int) -> Account | None:
    """Whose login this is, or None when it has ended. Use prolongs it."""
    login = (
        Login.select(Login, Account)
        .join(Account)
        .where(Login.hash == hashed(secret), Login.expires_at > now, Account.disabled_at.is_null())
        .first()
    )
    if login is None:
        return None
    _prolong(login, now + limits.login_lifetime_ms)
    account: Account = login.account
    return account


def end(secret: str) -> None:
    """Log out; safe to repeat."""
    with db.writing():
        Login.delete().where(Login.hash == hashed(secret)).execute()


def _prolong(login: Login, expires_at: int) -> None:
    """About one write an hour. What lies further ahead was written under a clock that has been set back."""
    if abs(expires_at - login.expires_at) >= HOUR:
        db.write_if_free(Login.update(expires_at=expires_at).where(Login.id == login.id))
