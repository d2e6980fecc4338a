"""A database of the first schema, with data, under the present version."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from botwatch_collector import db, messages, migrations, models, rollups
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.window import LATEST, Window
from botwatch_collector.clock import HOUR
from botwatch_collector.ingest.store import Outcome, store
from botwatch_collector.messages import Filters, parsed

from ..postgres import PostgresServer
from . import first_schema
from .test_rollups import tables
from .test_store import batch, message


@pytest.fixture(params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Connected to a database of the first schema."""
    name = f"first_{uuid.uuid4().hex}"
    server: PostgresServer | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
    opened = db.connect(server.create(name) if server else f"sqlite:///{tmp_path}/first.db")
    with db.connected():
        migrations.bring_up_to_date(upto=1)
        fill()
        yield
    opened.close_all()
    if server:
        server.drop(name)


def fill() -> None:
    for table, (columns, rows) in first_schema.ROWS.items():
        marks = ", ".join(db.database.param for _ in columns.split(","))
        for row in rows:
            db.database.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)
    db.database.execute_sql(f"UPDATE event_sequence SET last_id = {first_schema.LAST_ID}")


def everything() -> dict[str, list[tuple[object, ...]]]:
    """What the first schema's columns hold."""
    return {
        table: sorted(db.database.execute_sql(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
        for table, (columns, _) in first_schema.ROWS.items()
    }


def test_every_row_is_as_it_was(first: None) -> None:
    before = everything()

    applied = migrations.bring_up_to_date()

    assert [migration.version for migration in applied] == [
        migration.version for migration in migrations.available()[1:]
    ]
    assert everything() == before


def test_answers_are_right_and_new_events_are_stored(first: None) -> None:
    migrations.bring_up_to_date()

    found = overview([first_schema.BOT], Window(first_schema.HOUR, first_schema.HOUR + HOUR))
    assert (found.messages.received, found.messages.sent, found.users.unique) == (2, 1, 1)
    assert found.response_ms.count == 1
    hello = messages.page([first_schema.BOT], Window(0, LATEST), Filters(query=parsed("HELLO")), 5)
    assert [row.id for row in hello.messages] == [1]
    assert models.Message.get(models.Message.id == 1).attributes == {"city": "Köln"}

    again = batch(message(5), message(6, id="mine"), message(7, id="new"), bot=first_schema.BOT)
    assert store([again]) == [Outcome(1, 2)]
    assert models.Message.select().order_by(models.Message.id.desc()).get().id > first_schema.LAST_ID


def test_rollups_count_the_same(first: None) -> None:
    migrations.bring_up_to_date()
    before = tables()

    rollups.rebuild()

    assert tables() == before
