"""Writes answers: structs as JSON that no cache keeps."""

from typing import Any

import msgspec
from flask import Response

_encode = msgspec.json.Encoder().encode


def answer(body: Any, status: int = 200) -> Response:
    """The JSON of a struct; figures change, and may be one reader's alone."""
    return Response(_encode(body), status, mimetype="application/json", headers={"Cache-Control": "no-store"})
