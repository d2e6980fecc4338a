"""Lets in who may: decorators for views, which find the token or the login of a request.

Tokens come in the Authorization header alone, never in an address, which ends up in logs and histories. Only
a job's ping key stands in an address, and is good for nothing else.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from . import clock
from .access import Credential, Reader, accounts, logins, tokens
from .access.credentials import hashed
from .config import Config, Limits
from .errors import Forbidden, Unauthorized
from .models import Account, Token
from .security import csrf

_LOGIN = "login"

P = ParamSpec("P")
R = TypeVar("R")


def requires_scope(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For programs: a token of one of these scopes, as `g.token` with its bot. Cookies don't count here."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.token = _bearer(scopes)
            return view(*args, **kwargs)

        # A forged form carries the cookie, which isn't looked at.
        csrf.exempt(guarded)
        return guarded

    return decorate


def requires_reader(view: Callable[P, R]) -> Callable[P, R]:
    """For programs and pages: a read token, or the login of a browser; `reader()` says what it may see."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.reader = _reader()
        return view(*args, **kwargs)

    return guarded


def requires_operator(view: Callable[P, R]) -> Callable[P, R]:
    """For changes by programs and pages: the ingest token of a bot, or the login of an operator, with what a
    form carries against forgery. `reader()` says which bots it is about.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.reader = _operator()
        return view(*args, **kwargs)

    # Asked for in `_operator`, where it is a cookie that lets in.
    csrf.exempt(guarded)
    return guarded


def requires_login(role: str = "viewer") -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """For pages: an account with this role or a higher one; others are led to the login page."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            account = logged_in()
            if account is None:
                return _to_login_page()
            if not accounts.may(account, role):
                raise Forbidden(f"this needs the role {role}")
            g.reader = Reader(account=account)
            return view(*args, **kwargs)

        return guarded

    return decorate


def reader() -> Reader:
    """Who reads, in a view with `requires_reader` or `requires_login`."""
    found: Reader = g.reader
    return found


def reader_again() -> Callable[[], Reader]:
    """For what outlives its request: finds the same reader once more, and raises when it has lost access."""
    return _finder()


def credential() -> Credential:
    """What let the reader of this request in, for what outlives the request in another process."""
    if "Authorization" in request.headers:
        return Credential("token", hashed(_secret()))
    return Credential("login", hashed(session[_LOGIN]))


def logged_in() -> Account | None:
    """The account of this browser's login."""
    secret = session.get(_LOGIN)
    return logins.find(secret, _config().limits, clock.now()) if isinstance(secret, str) else None


def remember(secret: str) -> None:
    """Keep a login in the browser, in a new session: what an earlier page put there is gone."""
    session.clear()
    session[_LOGIN] = secret
    session.permanent = True


def forget() -> None:
    """End the login, here and in the browser."""
    secret = session.get(_LOGIN)
    if isinstance(secret, str):
        logins.end(secret)
    session.clear()


def _reader() -> Reader:
    return _finder()()


def _finder() -> Callable[[], Reader]:
    """Finds the reader by what the request brought, which is read now; raises Unauthorized or Forbidden."""
    if "Authorization" in request.headers:
        secret = _secret()
        return lambda: Reader(token=_token(secret, ("read",)))
    cookie, limits = session.get(_LOGIN), _config().limits
    return lambda: Reader(account=_account(cookie, limits))


def _account(cookie: object, limits: Limits) -> Account:
    account = logins.find(cookie, limits, clock.now()) if isinstance(cookie, str) else None
    if account is None:
        raise Unauthorized("a read token is needed (Authorization: Bearer bw_r_...), or a login")
    return account


def _operator() -> Reader:
    if "Authorization" in request.headers:
        return Reader(token=_bearer(("ingest",)))
    csrf.protect()
    account = logged_in()
    if account is None:
        raise Unauthorized("the bot's ingest token is needed (Authorization: Bearer bw_i_...), or a login")
    if not accounts.may(account, "operator"):
        raise Forbidden("this needs the role operator")
    return Reader(account=account)


def _bearer(scopes: tuple[str, ...]) -> Token:
    return _token(_secret(), scopes)


def _secret() -> str:
    authorization = request.authorization
    if authorization is None or authorization.type != "bearer" or not authorization.token:
        raise Unauthorized("a token is needed: Authorization: Bearer bw_...")
    return authorization.token


def _token(secret: str, scopes: tuple[str, ...]) -> Token:
    token = tokens.find(secret, clock.now())
    if token.scope not in scopes:
        raise Forbidden(f"this needs a token of scope {' or '.join(scopes)}, this one is for {token.scope}")
    return token


def _to_login_page() -> Response:
    if request.method not in ("GET", "HEAD"):
        raise Unauthorized("log in first")
    wanted = request.full_path if request.query_string else request.path
    return redirect(url_for("login.show", next=None if wanted == "/" else wanted))


def _config() -> Config:
    config: Config = current_app.config["BOTWATCH"]
    return config
