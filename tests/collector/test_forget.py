"""A person who is forgotten is nowhere any more: in no table, and in no byte of the database's files."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from botwatch_collector import db, models, partitions, retention, rollups
from botwatch_collector.clock import DAY
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

from .server import Server
from .streams import add_bots
from .test_cli import Run, failure, rows, run
from .test_rollups import tables

__all__ = ["run"]

NOW = 20_000 * DAY
PERSON, OTHER = "mallory-4711", "alice-0815"
NAME, WORDS, MARK = "Mallory Quux", "zanzibar", "xylophone"
TRACES = (PERSON, NAME, WORDS, MARK)


def store_chat(bot: int, messages: int = 2_000) -> None:
    """The person's messages and activities between those of others, over some days."""
    rng = random.Random(bot)
    events: list[dict[str, Any]] = []
    for seq in range(1, messages):
        user = PERSON if rng.random() < 0.3 else OTHER
        events.append(
            {"seq": seq, "ts": NOW + seq * 60_000} | (about(user, seq) if user == PERSON else said())
        )
    for start in range(0, len(events), 100):
        decoded = msgspec.convert(events[start : start + 100], list[AnyEvent])
        store([Incoming(bot, Batch(Header(v=1, instance=f"of-{bot}"), decoded), NOW)])


def said() -> dict[str, Any]:
    return {"kind": "message", "direction": "in", "text": "good day", "user_id": OTHER, "user_name": "Alice"}


def about(person: str, seq: int) -> dict[str, Any]:
    """Each way in which a person may be named."""
    message = {"kind": "message", "direction": "in", "text": f"{WORDS} {seq}" * 5, "user_id": person}
    activity = {"kind": "activity", "action": "renamed", "details": {"to": [MARK]}}
    return (
        message | {"user_name": NAME, "id": f"{person}/{seq}", "attributes": {"city": MARK}},
        message | {"direction": "out", "response_ms": seq, "channel": person},
        message | {"direction": "out", "user_id": None, "channel": person, "response_ms": 5},
        activity | {"user_id": person},
        activity | {"entity_type": "user", "entity_id": person},
        {"kind": "presence", "user_id": person, "user_name": NAME, "status": "online", "message": WORDS},
    )[seq % 6]


def every_value() -> Iterator[str]:
    for table in db.database.get_tables():
        for row in db.database.execute_sql(f'SELECT * FROM "{table}"').fetchall():
            yield from map(str, row)


def traces_in_tables() -> set[str]:
    found = set()
    for value in every_value():
        found.update(trace for trace in TRACES if trace in value)
    return found


def traces_in_files() -> set[str]:
    """On PostgreSQL, whose files are the server's, those in its tables."""
    if db.is_postgresql():
        return traces_in_tables()
    path = Path(db.database.obj.database)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
    return {trace for trace in TRACES if trace.encode() in content}


@pytest.fixture
def bots(database: None) -> list[int]:
    made = add_bots("shop", "news")
    for bot in made:
        store_chat(bot)
    assert traces_in_tables() == set(TRACES)
    return made


def test_person_is_in_no_table(bots: list[int]) -> None:
    retention.forget(PERSON, bots)

    assert traces_in_tables() == set()


def test_person_is_in_no_byte_of_the_files(bots: list[int]) -> None:
    assert traces_in_files() == set(TRACES)
    retention.forget(PERSON, bots)

    db.compact()

    assert traces_in_files() == set()


def test_counts_stay_and_can_be_recomputed(bots: list[int]) -> None:
    counts = [models.MessageMinute, models.MessageDay, models.HistogramHour, models.HistogramMonth]
    before = [set(model.select().tuples()) for model in counts]
    messages = models.Message.select().count()

    retention.forget(PERSON, bots)

    assert models.Message.select().count() == messages
    assert [set(model.select().tuples()) for model in counts] == before
    kept = tables()
    rollups.rebuild()
    assert tables() == kept


def test_others_stay_as_they_were(bots: list[int]) -> None:
    of_other = models.Message.select().where(models.Message.user_id == OTHER)
    before = sorted((row.id, row.text, row.user_name) for row in of_other)

    retention.forget(PERSON, bots)

    assert sorted((row.id, row.text, row.user_name) for row in of_other.clone()) == before
    assert {row.user_id for row in models.BotUser.select()} == {OTHER}


def test_person_may_be_forgotten_by_one_bot(bots: list[int]) -> None:
    retention.forget(PERSON, bots[:1])

    tables = (models.Message, models.Activity, models.UserDay, models.BotUser, models.PresenceNow)
    for model in tables:
        found = {row.bot_id for row in model.select().where(model.user_id == PERSON)}
        assert found == {bots[1]}


def test_every_table_with_a_user_is_looked_into(database: None) -> None:
    """Asked of the database itself, so that a table that is forgotten here fails."""
    tables = {
        name
        for name in db.database.get_tables()
        if any("user_id" in column.name for column in db.database.get_columns(name))
    }
    whole = tables - partitions.names()

    assert set(retention.forget("nobody", [1])) == whole


def test_command_erases_while_others_serve(run: Run, database_url: str) -> None:
    with Server(database_url, workers=1) as server:
        server.add_bot("shop")
        store_chat(1, 200)

        done = run("forget-user", PERSON, "--bot", "shop", "--yes")

        assert dict(rows(done)[1:])["bot_user"] == "1"
        assert traces_in_tables() | traces_in_files() == set()
        assert server.command("bot", "list")


def test_command_asks_before_it_erases(run: Run) -> None:
    assert run("forget-user", PERSON).exit_code == 1
    assert "no bot 'shop'" in failure(run("forget-user", PERSON, "--bot", "shop", "--yes"))
