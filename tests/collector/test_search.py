"""Bots and people are found by what somebody remembers of them."""

from collections.abc import Iterator

import pytest

from botwatch_collector import db
from botwatch_collector.analytics.finding import users_found
from botwatch_collector.models import BotUser

from .reading import Reading, reading

COLUMNS = ("bot_id", "user_id", "user_name", "named_at", "first_at", "last_at")


@pytest.fixture
def people(database: None) -> None:
    fill(1, 2)


def fill(bot: int, other: int) -> None:
    """Five people of one bot, the first of whom writes to another one as well."""
    rows = [
        (bot, "4711", "Ann Smith", 1, 1, 50),
        (bot, "4712", "ann", 1, 1, 60),
        (bot, "5", "Joanna", 1, 1, 70),
        (bot, "50%_x", None, -1, 1, 80),
        (bot, "a\U0010fffe", "Zo\u00eb", 1, 1, 90),
        (other, "4711", "Ann Smith", 1, 1, 95),
        (other, "9", "Mallory", 1, 1, 99),
    ]
    with db.writing():
        db.insert_rows(BotUser, COLUMNS, rows)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("471", ["4711", "4712"]),
        ("ANN", ["4711", "4712"]),
        ("smi", ["4711"]),
        ("nn", []),
        ("50%", ["50%_x"]),
        ("%", []),
        ("a", ["a\U0010fffe", "4711", "4712"]),
        ("  5 ", ["5", "50%_x"]),
        ("", []),
        ("\x00", []),
        ("9", []),
    ],
)
def test_users_are_found_by_the_beginning_of_their_id_or_of_a_word_of_their_name(
    text: str, found: list[str]
) -> None:
    assert sorted(one.user_id for one in users_found([1], text, 10)) == sorted(found)


@pytest.mark.usefixtures("people")
def test_ids_come_first_and_then_who_was_seen_last() -> None:
    assert [one.user_id for one in users_found([1], "a", 10)] == ["a\U0010fffe", "4712", "4711"]
    assert len(users_found([1], "4", 1)) == 1


@pytest.mark.usefixtures("people")
def test_somebody_who_writes_to_two_bots_is_found_once() -> None:
    found = users_found([1, 2], "4711", 10)
    assert [(one.user_id, one.last_seen[-4:]) for one in found] == [("4711", "095Z")]


@pytest.fixture
def api(database_url: str) -> Iterator[Reading]:
    with reading(database_url, fill) as opened:
        yield opened


def test_reader_finds_what_it_may_see(api: Reading) -> None:
    found = api.json("/api/search?q=mallory")
    assert (found["bots"], [one["user_id"] for one in found["users"]]) == (["mallory-bot"], ["9"])
    assert api.json("/api/search?q=joanna", api.mallory) == {"bots": [], "users": [], "messages": []}
    assert api.json("/api/search?q=alice", api.mallory)["bots"] == []
    assert api.ask("/api/search?q=ann&bot=alice-bot", api.mallory).status_code == 404
