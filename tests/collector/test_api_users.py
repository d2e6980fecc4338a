"""GET /api/users/...: one person as their page shows them, for whom the reader may see."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from botwatch_collector import clock
from botwatch_collector.api.users import UserReport
from botwatch_collector.clock import DAY, MINUTE, iso

from . import oracle
from .oracle import Said, put
from .reading import Reading, reading

NOW = clock.now()
ODD = "a/../b \U0001f600?#&%2F"
MESSAGES = [
    *(
        Said(NOW - n * 7 * MINUTE, ("in", "out")[n % 2], ODD, response_ms=100 * n, user_name="Ann")
        for n in range(40)
    ),
    *(Said(NOW - 40 * DAY - n, "in", ODD) for n in range(3)),
    Said(NOW - MINUTE, "in", "other"),
]


def fill(alice_bot: int, mallory_bot: int) -> None:
    put(
        Said(one.at, one.direction, one.user_id, one.response_ms, bot=alice_bot, user_name=one.user_name)
        for one in MESSAGES
    )
    put([Said(NOW, user_id="mallory-user", bot=mallory_bot)], instance="two")


@pytest.fixture
def api(database_url: str) -> Iterator[Reading]:
    with reading(database_url, fill) as ready:
        yield ready


def of_odd(api: Reading, more: str = "") -> Any:
    return api.json(f"/api/users/{quote(ODD, safe='')}?{more}")


def test_report_equals_the_raw_messages(api: Reading) -> None:
    found = of_odd(api, "limit=5")

    here = [said for said in MESSAGES if said.user_id == ODD and said.at > NOW - 30 * DAY]
    received = [said for said in here if said.direction == "in"]
    assert found["user"]["user_id"] == ODD and found["user"]["user_name"] == "Ann"
    assert found["user"]["bots"] == ["alice-bot"]
    assert found["user"]["last_seen"] == iso(max(said.at for said in received))
    assert (found["writing"]["messages"], found["writing"]["previous_messages"]) == (len(received), 3)
    assert sum(step["messages"] for step in found["writing"]["steps"]) == len(received)
    assert (found["talk"]["in"], found["talk"]["out"]) == (20, 20)
    times = oracle.times(here)
    assert found["talk"]["response_ms"] == {
        "count": len(times),
        "avg": oracle.average(times),
        **{f"p{rank}": oracle.percentile(times, rank) for rank in (50, 95, 99)},
    }
    assert (found["talk"]["session_count"], found["talk"]["sessions"][0]["messages"]) == (1, 40)
    assert [one["timestamp"] for one in found["messages"]] == [iso(NOW - n * 7 * MINUTE) for n in range(5)]


def test_same_person_is_found_by_a_parameter(api: Reading) -> None:
    assert api.json(f"/api/users?id={quote(ODD, safe='')}")["user"] == of_odd(api)["user"]


def test_answer_is_what_the_description_says(api: Reading) -> None:
    msgspec.json.decode(msgspec.json.encode(of_odd(api)), type=UserReport, strict=True)


@pytest.mark.parametrize("path", ["/api/users/nobody", "/api/users?id=nul%00", "/api/users", "/users/nobody"])
def test_unknown_user_is_not_found(api: Reading, path: str) -> None:
    assert api.ask(path).status_code == (302 if path.startswith("/users") else 404)


def test_user_of_a_bot_that_the_reader_may_not_see_is_not_found(api: Reading) -> None:
    assert api.ask("/api/users/other", api.mallory).status_code == 404
    assert api.ask("/api/users/other?bot=mallory-bot").status_code == 404
    assert api.json("/api/users/mallory-user", api.mallory)["writing"]["messages"] == 1
    assert api.client.get("/api/users/other").status_code == 401


@pytest.mark.parametrize("query", ["bucket=minute", "from=0&bucket=hour", "limit=0", "bot=none"])
def test_what_cannot_be_asked_is_refused(api: Reading, query: str) -> None:
    assert api.ask(f"/api/users/other?{query}").status_code == (404 if query == "bot=none" else 400)
