"""GET /api/openapi.json: the API described for programs, made from the types that it reads and writes."""

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Response

from ..ingest.wire import AnyEvent, Header
from .answers import answer
from .operations import GROUPS, OPERATIONS, Operation, Parameter

blueprint = Blueprint("openapi", __name__)

_REFERENCE = "#/components/schemas/{name}"

_ERRORS = {
    400: "A parameter or the body is wrong; `at` names the place",
    401: "No token, or one that isn't valid",
    403: "The token's scope or bot doesn't allow it",
    404: "No such bot, or none that this token may see",
    413: "Over a limit of size",
    415: "A content type or encoding that isn't read here",
    429: "Too many events or streams: come back after Retry-After",
    503: "Not now: come back after Retry-After",
}


class ErrorBody(msgspec.Struct, frozen=True):
    """`code` is for programs, `message` for people, `at` the place in the request."""

    code: str
    message: str
    at: str | msgspec.UnsetType = msgspec.UNSET


class Error(msgspec.Struct, frozen=True):
    """Every refusal looks like this."""

    error: ErrorBody


@blueprint.get("/api/openapi.json")
def get_openapi() -> Response:
    """No token is needed: it tells nothing of any bot."""
    return answer(document())


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1, whose schemas are JSON Schema as msgspec writes it."""
    bodies = [one.takes for one in OPERATIONS if one.takes]
    types = [AnyEvent, Header, Error, *bodies, *(one.answers for one in OPERATIONS if one.answers)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    event, header, error, *others = schemas
    taken, answered = iter(others[: len(bodies)]), iter(others[len(bodies) :])
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        schema = next(answered) if one.answers else {"type": "string"}
        described = _operation(one, schema, error)
        if one.takes:
            described["requestBody"] = _body(next(taken))
        paths.setdefault(one.path, {})[one.method] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "botwatch",
            "version": version("botwatch"),
            "description": "Times are UTC, ISO 8601 or unix milliseconds. Tokens go into a header.",
        },
        "tags": [{"name": title} for title, _ in GROUPS],
        "paths": paths,
        "components": {
            "schemas": components | {"BatchLine": {"anyOf": [header, event]}},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "bw_r_... or bw_i_..."}
            },
        },
    }


def _operation(one: Operation, schema: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    refusals = {*one.errors, *((400, 404) if one.parameters else ()), *((401, 403) if one.access else ())}
    described: dict[str, Any] = {
        "summary": one.summary,
        "tags": [next(title for title, starts in GROUPS if one.path.startswith(starts))],
        "security": [{"token": []}] if one.access else [],
        "parameters": [_parameter(parameter) for parameter in one.parameters],
        "responses": {
            "200": {"description": "The answer", "content": {one.media_type: {"schema": schema}}},
            **{
                str(status): {
                    "description": _ERRORS[status],
                    "content": {"application/json": {"schema": error}},
                }
                for status in sorted(refusals)
            },
        },
    }
    if one.access:
        described["description"] = f"Needs a token of scope {one.access}."
    if one.takes_batch:
        described["requestBody"] = _batch()
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = {"type": "array", "items": parameter.schema} if parameter.repeats else parameter.schema
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": schema,
        **({"required": True} if parameter.place == "path" else {}),
    }


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _batch() -> dict[str, Any]:
    return {
        "required": True,
        "description": (
            "One JSON value a line: first the header, then the events. "
            "Content-Encoding may be gzip, zstd or identity."
        ),
        "content": {"application/x-ndjson": {"schema": {"$ref": _REFERENCE.format(name="BatchLine")}}},
    }
