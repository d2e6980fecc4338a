"""A database of the first schema, with data, under the present version."""

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from botwatch_collector import db, messages, migrations, models, rollups
from botwatch_collector.analytics import times
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.window import LATEST, Window
from botwatch_collector.clock import DAY, HOUR, MINUTE
from botwatch_collector.ingest.store import Outcome, store
from botwatch_collector.messages import Filters, parsed
from botwatch_collector.metrics import messages as readings
from botwatch_collector.rollups import histogram

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
        for row in rows:
            put(table, columns, row)
    db.database.execute_sql(f"UPDATE event_sequence SET last_id = {first_schema.LAST_ID}")


def everything() -> dict[str, list[tuple[object, ...]]]:
    """What the first schema's columns hold; those of histograms are packed since, weeks of users gone."""
    return {
        table: sorted(db.database.execute_sql(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
        for table, (columns, _) in first_schema.ROWS.items()
        if not table.startswith("response_") and table != "user_week"
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


MEASURES = (histogram.RESPONSE, histogram.WAIT)


def test_percentiles_are_as_they_were(first: None) -> None:
    """Of two bots over fourteen months, against what the first schema's own tables add up to."""
    start = first_schema.DAY - 400 * DAY
    fill_times(start)
    windows = [Window(0, LATEST), Window(start, start + 365 * DAY), Window(start + 3 * DAY, start + 90 * DAY)]
    asked = [(bot, window, n) for bot in (7, 8) for window in windows for n in (0, 1)]
    before = [times_of(bot, window, measure, "day") for bot, window, measure in asked]
    hour = Window(start + 28 * DAY + 10 * HOUR, start + 28 * DAY + 11 * HOUR)
    minute = Window(hour.start + 7 * MINUTE, hour.start + 8 * MINUTE)
    fine = [(times_of(7, window, 0, unit), window) for window, unit in ((hour, "hour"), (minute, "minute"))]
    ever = times_of(7, Window(0, 1), 1, "ever")
    assert all(before) and all(found for found, _ in fine) and ever

    migrations.bring_up_to_date()

    ranks = range(1, 101)
    for (bot, window, measure), found in zip(asked, before, strict=True):
        assert times.percentiles([bot], window, MEASURES[measure], ranks) == histogram.percentiles(
            found, ranks
        )
    for found, window in fine:
        assert times.percentiles([7], window, "response_ms", ranks) == histogram.percentiles(found, ranks)
    ((_, told),) = readings.read({7: "seven"}, start)["botwatch_wait_seconds"]
    assert told.buckets == readings.cumulated(ever)


def fill_times(start: int) -> None:
    """A time of each kind some times a day, and one more of zero."""
    kept: Counter[tuple[str, int, int, int, int]] = Counter()
    for day in range(0, 400, 7):
        for bot in (7, 8):
            for nth in range(20):
                at = start + day * DAY + 10 * HOUR + (nth * 7 + bot) % 90 * MINUTE
                for measure, value in ((0, day * 31 % 977 * nth), (1, 60_000 // (nth + 1) + bot)):
                    bucket = histogram.bucket_of(value)
                    for unit, bucket_at in (
                        ("minute", at), ("hour", at - at % HOUR), ("day", at - at % DAY), ("ever", 0),
                    ):  # fmt: skip
                        kept[unit, bot, bucket_at, measure, bucket] += 1
    for (unit, *key), count in kept.items():
        put(f"response_{unit}", "bot_id, at, measure, bucket, times", (*key, count))
    for unit in ("minute", "hour", "day"):
        for bot, at in {(bot, at) for name, bot, at, *_ in kept if name == unit}:
            sums = "messages_in, messages_out, response_count, response_sum_ms, wait_count, wait_sum_ms"
            put(f"message_{unit}", f"bot_id, at, {sums}", (bot, at, 0, 20, 20, 0, 20, 0))


def put(table: str, columns: str, row: tuple[object, ...]) -> None:
    marks = ", ".join(db.database.param for _ in row)
    db.database.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)


def times_of(bot: int, window: Window, measure: int, unit: str) -> Counter[int]:
    found = db.database.execute_sql(
        f"SELECT bucket, times FROM response_{unit} WHERE bot_id = {bot} AND measure = {measure} "
        f"AND at >= {window.start} AND at < {window.end}"
    )
    total: Counter[int] = Counter()
    for bucket, count in found.fetchall():
        total[bucket] += count
    return total


def test_rollups_count_the_same(first: None) -> None:
    migrations.bring_up_to_date()
    before = tables()

    rollups.rebuild()

    assert tables() == before
