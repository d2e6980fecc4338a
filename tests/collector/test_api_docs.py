"""The API's description for people: it tells of everything, its links lead somewhere, its examples work."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from botwatch_collector.api.docs import example
from botwatch_collector.api.openapi import document

from .reading import Reading, reading

CALLS = [
    (method, path, told) for path, methods in document()["paths"].items() for method, told in methods.items()
]
READING = [
    (path, told)
    for method, path, told in CALLS
    if method == "get" and "{" not in path and "text/event-stream" not in told["responses"]["200"]["content"]
]


@pytest.fixture
def api(database_url: str) -> Iterator[Reading]:
    with reading(database_url, lambda *_: None) as opened:
        yield opened


def test_page_tells_of_every_operation_and_its_links_lead_somewhere(api: Reading) -> None:
    page = api.client.get("/api/docs").get_data(as_text=True)
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {f"{method}{path.replace('/', '-')}" for method, path, _ in CALLS} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    for _, _, told in CALLS:
        assert all(f"<code>{one['name']}</code>" in page for one in told["parameters"])


@pytest.mark.parametrize(("path", "told"), READING, ids=[path for path, _ in READING])
def test_example_works_as_it_stands(api: Reading, path: str, told: Any) -> None:
    words = shlex.split(example("http://127.0.0.1:8400", "get", path, told))
    address = urlsplit(words[-1])
    assert ("Authorization: Bearer $BOTWATCH_TOKEN" in words) == bool(told["security"])
    # Nothing is stored here: there is no user to tell of.
    assert api.ask(f"{address.path}?{address.query}").status_code in (200, 404)


def test_bodies_of_examples_are_what_is_asked_for() -> None:
    told = document()["paths"]["/api/users/presence/settings"]["patch"]
    words = shlex.split(example("http://127.0.0.1:8400", "patch", "/api/users/presence/settings", told))
    assert words[words.index("-X") + 1] == "PATCH"
    assert isinstance(json.loads(words[words.index("-d") + 1])["userId"], str)
