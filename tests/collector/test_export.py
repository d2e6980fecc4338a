"""Messages as a file: all of them once, for spreadsheets and programs, and only for who may see them."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from botwatch_collector import clock, db
from botwatch_collector.access import tokens
from botwatch_collector.api import export
from botwatch_collector.api.operations import FORMAT
from botwatch_collector.clock import MINUTE
from botwatch_collector.errors import Unauthorized
from botwatch_collector.exports import csv as csv_lines

from .oracle import Said, put
from .reading import Reading, reading

START = clock.to_ms(datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
COUNT = 2_345
FORMULA = '=HYPERLINK("http://evil")'


def fill(alice_bot: int, mallory_bot: int) -> None:
    """More than two pages, many at the same moment."""
    put(Said(START + n // 7 * MINUTE, user_id=f"u{n}", bot=alice_bot) for n in range(COUNT))
    put([Said(START, user_id=FORMULA, user_name='line\nend, "quoted"', bot=mallory_bot)])


@pytest.fixture
def api(database_url: str) -> Iterator[Reading]:
    with reading(database_url, fill) as opened:
        yield opened


WINDOW = "from=2026-01-01&to=2026-03-01"


def rows(api: Reading, query: str, token: str | None = None) -> list[list[str]]:
    reply = api.ask(f"/api/monitoring/export?{query}", token)
    assert reply.status_code == 200, reply.text
    return list(csv.reader(io.StringIO(reply.text, newline="")))


def test_every_message_is_there_once_in_order(api: Reading) -> None:
    found = rows(api, f"bot=alice-bot&{WINDOW}")
    assert found[0][:4] == ["id", "timestamp (UTC)", "bot", "direction"]
    assert sorted(row[4] for row in found[1:]) == sorted(f"u{n}" for n in range(COUNT))
    assert [row[1] for row in found[1:]] == sorted(row[1] for row in found[1:])


def test_times_are_those_of_the_zone_that_the_header_names(api: Reading) -> None:
    found = rows(api, f"bot=mallory-bot&{WINDOW}&tz=Europe/Berlin")
    assert found[0][1] == "timestamp (Europe/Berlin)"
    assert found[1][1] == "2026-02-01T00:30:00.000+01:00"


def test_formula_is_text_and_line_ends_stay_in_their_cell(api: Reading) -> None:
    (_, row) = rows(api, f"bot=mallory-bot&{WINDOW}")
    assert row[4] == "'" + FORMULA
    assert row[5] == 'line\nend, "quoted"'


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_nothing_a_spreadsheet_would_run_begins_a_cell(begin: str) -> None:
    ((cell, number),) = csv.reader(io.StringIO(csv_lines.lines([(f"{begin}1", -1)]), newline=""))
    assert (cell, number) == (f"'{begin}1", "-1")


def test_json_and_json_lines_say_the_same(api: Reading) -> None:
    asked = f"/api/monitoring/export?{WINDOW}&format="
    whole = api.ask(asked + "json")
    lines = api.ask(asked + "ndjson")
    assert json.loads(whole.text) == [json.loads(line) for line in lines.text.splitlines()]
    assert len(whole.json) == COUNT + 1
    assert whole.json[-1]["user_id"] == FORMULA
    assert whole.headers["Content-Disposition"].endswith('2026-01-01-2026-02-28.json"')


def test_filters_narrow_the_export(api: Reading) -> None:
    assert [row[4] for row in rows(api, f"{WINDOW}&user=u7&direction=in&q=HELLO")[1:]] == ["u7"]
    assert len(rows(api, f"{WINDOW}&bot=alice-bot&q=hel*")) == COUNT + 1
    assert len(rows(api, f"{WINDOW}&q=-hello+else")) == 1
    assert api.ask("/api/monitoring/export?q=-hello").status_code == 400


def test_nothing_to_export_is_an_empty_file(api: Reading) -> None:
    assert api.ask("/api/monitoring/export?format=json&to=2001-01-01").json == []
    assert len(rows(api, "to=2001-01-01")) == 1


def test_token_of_one_bot_exports_that_one(api: Reading) -> None:
    assert len(rows(api, WINDOW, api.mallory)) == 2
    assert api.ask(f"/api/monitoring/export?bot=alice-bot&{WINDOW}", api.mallory).status_code == 404
    assert api.client.get("/api/monitoring/export").status_code == 401


@pytest.mark.parametrize(
    ("query", "at"), [("format=xlsx", "format"), ("tz=Berlin", "tz"), ("from=x", "from")]
)
def test_bad_parameter_is_named(api: Reading, query: str, at: str) -> None:
    reply = api.ask(f"/api/monitoring/export?{query}")
    assert (reply.status_code, (reply.json or {})["error"]["at"]) == (400, at)


def test_token_revoked_meanwhile_gets_no_further_page(api: Reading) -> None:
    reply = api.client.get(
        f"/api/monitoring/export?{WINDOW}", headers={"Authorization": f"Bearer {api.alice}"}, buffered=False
    )
    pages: Any = reply.iter_encoded()
    next(pages)
    next(pages)
    with db.connected():
        for token in tokens.listed():
            tokens.revoke(token, clock.now())
    with pytest.raises(Unauthorized):
        list(pages)


def test_formats_are_those_of_the_description() -> None:
    assert list(export.FORMATS) == FORMAT.schema["enum"]
