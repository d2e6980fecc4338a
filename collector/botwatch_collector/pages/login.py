"""Log in and log out."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as Reply

from .. import clock, guard
from ..access import logins
from ..config import Config
from ..errors import TooManyRequests, Unauthorized

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
def show() -> Reply:
    """The form; who is logged in already goes on."""
    if guard.logged_in():
        return redirect(_next())
    return _form()


@blueprint.post("/login")
def log_in() -> Reply:
    """Check the password and go on to `next`."""
    config: Config = current_app.config["BOTWATCH"]
    username, password = request.form.get("username", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    try:
        secret = logins.log_in(username, password, address, config.limits, clock.now())
    except Unauthorized:
        return _form("Wrong username or password.", status=401)
    except TooManyRequests as error:
        reply = _form("Too many wrong passwords. Wait a while before the next try.", status=429)
        reply.headers["Retry-After"] = str(error.retry_after_s)
        return reply
    guard.remember(secret)
    return redirect(_next())


@blueprint.post("/logout")
def log_out() -> Reply:
    """End this browser's login."""
    guard.forget()
    return redirect("/login")


@blueprint.app_errorhandler(CSRFError)
def refuse_form(error: CSRFError) -> Reply | CSRFError:
    """A login page older than its session is no reason for a bare error."""
    if request.endpoint == "login.log_in":
        return _form("This page was out of date. Please try again.", status=400)
    return error


def is_local(path: str) -> bool:
    """Whether a redirect to it stays here. Browsers drop control characters and take `\\` for `/`."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc


def _next() -> str:
    wanted = request.values.get("next", "")
    return wanted if is_local(wanted) else "/"


def _form(error: str | None = None, *, status: int = 200) -> Response:
    username, wanted = request.form.get("username", ""), request.values.get("next", "")
    return make_response(render_template("login.html", error=error, username=username, next=wanted), status)
