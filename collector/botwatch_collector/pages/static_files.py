"""Addresses of static files that change when the file does: a browser keeps such a file for good."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_FOR_GOOD = "public, max-age=31536000, immutable"
# Scripts import each other by their plain names: under a second one they would run twice.
_NEVER = "js/"


def register(app: Flask) -> None:
    """Give the links of `url_for("static", ...)` the file's version, and its answer the time to keep it."""
    folder = Path(app.static_folder or "")

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and not values["filename"].startswith(_NEVER):
            values["v"] = _version(folder / values["filename"])

    @app.after_request
    def keep(response: Response) -> Response:
        # Of what was not found, nothing is opened.
        was_found = request.endpoint == "static" and response.status_code in (200, 304)
        if was_found and request.args.get("v") == _version(folder / (request.view_args or {})["filename"]):
            response.headers["Cache-Control"] = _FOR_GOOD
        return response


def _version(path: Path) -> str | None:
    """None for a file that isn't there."""
    try:
        return _digest(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=256)
def _digest(path: Path, _changed_at: int) -> str:
    return blake2b(path.read_bytes(), digest_size=8).hexdigest()
