"""What protects the pages: cookies, tokens against forged forms, and the headers of every answer."""

import re
from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from .access import rate
from .config import Config

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_STRICT_TRANSPORT = "max-age=31536000"

csrf = CSRFProtect()


def shown_path(path: str) -> str:
    """A request's path for a log: the key in a ping's address is left out."""
    return re.sub(r"(?i)/+ping/+[^/]*", "/ping/...", path)


def protect(app: Flask) -> None:
    """Put the protection on the application; reads `app.config["BOTWATCH"]`."""
    config: Config = app.config["BOTWATCH"]
    secure = (config.public_url or "").startswith("https://")
    app.config.update(
        # Ports don't part cookies, names do; a browser takes the prefix only from a host's own https.
        SESSION_COOKIE_NAME="__Host-botwatch" if secure else "botwatch",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        # The database decides when a login ends. A cookie in every answer would come back from one that was
        # under way while somebody logged out.
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
        SESSION_REFRESH_EACH_REQUEST=False,
        # For forms; a view that takes more says so on its request.
        MAX_CONTENT_LENGTH=config.limits.form_bytes,
        # A page may stay open for days: its forms are good for as long as the session.
        WTF_CSRF_TIME_LIMIT=None,
        # Proxies that change the Host would fail it, and the cookie's prefix keeps out what it is for.
        WTF_CSRF_SSL_STRICT=False,
    )
    if hops := config.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    csrf.init_app(app)
    rate.limit_to(config.rate_limit)
    headers = HEADERS | ({"Strict-Transport-Security": _STRICT_TRANSPORT} if secure else {})

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response
