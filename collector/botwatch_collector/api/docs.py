"""GET /api/docs: the API described for people, from the same document that programs get."""

import json
import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, current_app, g, render_template, request

from .. import guard
from ..access import Reader
from .openapi import document

blueprint = Blueprint("docs", __name__)

_EXAMPLES = {
    "from": "2026-11-01",
    "to": "2026-12-01",
    "tz": "Europe/Berlin",
    "bucket": "day",
    "format": "csv",
    "channels": "messages",
    "q": "ann",
    "userId": "42",
    "key": "bw_p_...",
    "what": "start",
}
"""What the examples ask for, of what an operation takes."""

_SAMPLES = {"string": "42", "boolean": True, "integer": 1, "number": 1.5, "array": []}

_BATCH = """--data-binary @- <<'END'
{"v":1,"instance":"my-laptop"}
{"kind":"message","id":"1","ts":1795000000000,"direction":"in","user_id":"42","text":"Hello"}
END"""


@dataclass(frozen=True)
class Call:
    """An operation of the document, and how it is called from a terminal."""

    method: str
    path: str
    told: dict[str, Any]
    example: str

    @property
    def key(self) -> str:
        """Names it in an address."""
        return f"{self.method}{self.path.replace('/', '-')}"


@blueprint.get("/api/docs")
def get_docs() -> str:
    """No token is needed, as for the document; who is logged in has the menu around it."""
    if account := guard.logged_in():
        g.reader = Reader(account=account)
    return render_template("api_docs.html", document=document(), groups=_groups(_url()))


def _groups(url: str) -> list[tuple[str, list[Call]]]:
    calls = defaultdict(list)
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            calls[told["tags"][0]].append(Call(method, path, told, example(url, method, path, told)))
    return [(tag["name"], calls[tag["name"]]) for tag in document()["tags"] if tag["name"] in calls]


def example(url: str, method: str, path: str, told: dict[str, Any]) -> str:
    """A line for a shell that has the token in BOTWATCH_TOKEN."""
    parts = {one["name"]: _value(one) for one in told["parameters"] if one["in"] == "path"}
    asked = _EXAMPLES.keys() - parts
    query = {one["name"]: _value(one) for one in told["parameters"] if one["name"] in asked}
    address = shlex.quote(url + path.format(**parts) + (f"?{urlencode(query)}" if query else ""))
    words = ["curl", *(["-N"] if "text/event-stream" in told["responses"]["200"]["content"] else [])]
    if told["security"]:
        words.append('-H "Authorization: Bearer $BOTWATCH_TOKEN"')
    body = told.get("requestBody", {}).get("content", {})
    # With a body it is a POST by itself.
    words += [f"-X {method.upper()}"] if method != "get" and not (method == "post" and body) else []
    if "application/json" in body:
        sample = json.dumps(_sample(body["application/json"]["schema"]))
        words += ["-H 'Content-Type: application/json'", "-d", shlex.quote(sample), address]
    elif body:
        words += ["-H 'Content-Type: application/x-ndjson'", address, _BATCH]
    else:
        words.append(address)
    return " ".join(words)


def _value(parameter: dict[str, Any]) -> str:
    return _EXAMPLES.get(parameter["name"]) or str(_sample(parameter["schema"]))


def _sample(schema: dict[str, Any]) -> Any:
    """The smallest value of a schema."""
    if "$ref" in schema:
        return _sample(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _sample(schema["properties"][name]) for name in schema.get("required", ())}
    return _SAMPLES.get(schema.get("type", ""))


def _url() -> str:
    return current_app.config["BOTWATCH"].public_url or request.url_root.rstrip("/")
