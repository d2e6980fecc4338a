"""Partitions by month: there before they are needed, and never in anybody's way."""

import io
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import peewee
import psycopg
import pytest

from botwatch_collector import backup, clock, db, migrations, models, partitions, retention
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config
from botwatch_collector.ingest.store import store

from ..postgres import PostgresServer
from .test_store import batch, message

NOW = clock.now()
THIS_MONTH = partitions.month_of(NOW)
YEAR = 365 * DAY


@contextmanager
def connected(server: PostgresServer, template: str = "template") -> Iterator[str]:
    """Bound to a new database; its URL."""
    name = f"parts_{uuid.uuid4().hex}"
    url = server.create(name, template=template)
    opened = db.connect(url)
    try:
        with db.connected():
            yield url
    finally:
        opened.close_all()
        server.drop(name)


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with connected(postgres) as url:
        yield url


def put(*times: int) -> None:
    store([batch(*(message(seq, ts=at, id=f"{at}-{uuid.uuid4()}") for seq, at in enumerate(times, 1)),
                 instance=uuid.uuid4().hex)])  # fmt: skip


def places(table: str = "message") -> dict[int, str]:
    """In which part each row is, by its time."""
    rows = db.database.execute_sql(f"SELECT occurred_at, tableoid::regclass::text FROM {table}").fetchall()
    return dict(rows)


def name_of(at: int) -> str:
    return f"message_{clock.to_utc(at):%Y_%m}"


@pytest.mark.parametrize("table", partitions.TABLES)
def test_months_are_there_before_they_begin(url: str, table: str) -> None:
    found = partitions.months(table)

    assert (found[0].start, len(found)) == (THIS_MONTH, 3)
    assert [month.end for month in found[:-1]] == [month.start for month in found[1:]]
    assert found[0].name == f"{table}_{clock.to_utc(NOW):%Y_%m}"


def test_every_time_has_a_place(url: str) -> None:
    put(0, NOW - YEAR, NOW, NOW + 31 * DAY, NOW + 3 * YEAR)

    assert places() == {
        0: "message_past",
        NOW - YEAR: "message_past",
        NOW: name_of(NOW),
        NOW + 31 * DAY: name_of(NOW + 31 * DAY),
        NOW + 3 * YEAR: "message_default",
    }


def test_months_that_nobody_made_are_made_later(url: str) -> None:
    partitions.make_ahead(NOW + YEAR)

    found = partitions.months("message")
    assert len(found) == 15
    assert [month.end for month in found[:-1]] == [month.start for month in found[1:]]
    assert partitions.make_ahead(NOW + YEAR) == []


def test_what_a_clock_ahead_has_sent_moves_into_its_month(url: str) -> None:
    later = NOW + 150 * DAY
    put(NOW, later, later + 1, NOW + 3 * YEAR)
    before = sorted(models.Message.select().tuples())

    partitions.make_ahead(later)

    assert places()[later] == places()[later + 1] == name_of(later)
    assert places()[NOW + 3 * YEAR] == "message_default"
    assert sorted(models.Message.select().tuples()) == before


def test_month_has_the_indexes_of_the_whole(url: str) -> None:
    def kinds(table: str) -> list[str]:
        rows = db.database.execute_sql("SELECT indexdef FROM pg_indexes WHERE tablename = %s", (table,))
        return sorted(row[0].partition(" USING ")[2] for row in rows.fetchall())

    for part in partitions.names():
        assert kinds(part) == kinds(part.partition("_")[0])
    assert len(kinds("activity")) >= 8


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_PATIENCE", "100ms")


def test_reader_makes_nobody_wait_for_long(url: str, hurried: None) -> None:
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM message")

        with pytest.raises(peewee.OperationalError, match="lock timeout"):
            partitions.make_ahead(NOW + YEAR)
        put(NOW)
        assert len(partitions.months("message")) == 3

    partitions.prepare(NOW + YEAR)
    assert len(partitions.months("message")) == 15


def test_start_goes_on_where_a_month_cannot_be_made(
    url: str, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM message")
        partitions.prepare(NOW + YEAR)

    assert "the job tries again" in caplog.text


def test_ingest_goes_on_while_several_make_months(url: str) -> None:
    sent, done = [], threading.Event()

    def ingest() -> None:
        with db.connected():
            while not done.is_set():
                times = [NOW + (len(sent) + number) * DAY for number in range(10)]
                put(*times)
                sent.extend(times)

    def make() -> None:
        with db.connected():
            for _ in range(100):
                try:
                    partitions.make_ahead(NOW + YEAR)
                    return
                except peewee.OperationalError:
                    continue

    writer, makers = threading.Thread(target=ingest), [threading.Thread(target=make) for _ in range(3)]
    for thread in (writer, *makers):
        thread.start()
    for thread in makers:
        thread.join()
    done.set()
    writer.join()

    assert len(partitions.months("message")) == 15
    assert sorted(row.occurred_at for row in models.Message.select()) == sorted(sent)
    assert len(sent) > 0
    end, beyond = partitions.months("message")[-1].end, {"message_default"}
    assert {at for at, part in places().items() if part in beyond} == {at for at in sent if at >= end}


def test_empty_months_become_past(url: str) -> None:
    partitions.make_ahead(NOW + YEAR)
    kept = partitions.months("message")[3]
    put(NOW - YEAR, kept.start)

    folded = partitions.fold_past(NOW + YEAR)

    assert partitions.months("message")[0] == kept
    assert next(month.start for month in folded if month.table == "message") == THIS_MONTH
    put(NOW, kept.start - 1)
    past = dict.fromkeys((NOW - YEAR, NOW, kept.start - 1), "message_past")
    assert places() == past | {kept.start: kept.name}
    assert partitions.fold_past(NOW + YEAR) == []


def test_job_makes_and_folds(url: str) -> None:
    runs = [partitions.look_after(Config(database=url), NOW + days * DAY) for days in (0, 100, 200)]

    assert runs == [False] * 3
    assert partitions.months("message")[0].start == partitions.month_of(NOW + 200 * DAY)
    assert len(partitions.months("message")) == 3


def test_month_that_has_not_ended_stays(url: str) -> None:
    assert partitions.fold_past(NOW) == []
    assert len(partitions.months("message")) == 3


@pytest.mark.parametrize("is_begun", [True, False])
def test_upgrade_keeps_what_the_default_part_held(postgres: PostgresServer, is_begun: bool) -> None:
    with connected(postgres, "template1"):
        migrations.bring_up_to_date(upto=5)
        times = [0, NOW - YEAR, NOW + 31 * DAY, NOW + 3 * YEAR] + [NOW] * is_begun
        for number, at in enumerate(times):
            db.database.execute_sql(
                "INSERT INTO message (id, bot_id, instance_id, occurred_at, received_at, direction, text) "
                "VALUES (%s, 1, 1, %s, 7, 'in', 'hello')",
                (number, at),
            )

        migrations.bring_up_to_date()

        found = [(row.id, row.occurred_at, row.text) for row in models.Message.select()]
        assert sorted(found) == [(number, at, "hello") for number, at in enumerate(times)]
        expected = {
            0: "message_past", NOW - YEAR: "message_past",
            NOW + 31 * DAY: name_of(NOW + 31 * DAY), NOW + 3 * YEAR: "message_default",
        }  # fmt: skip
        assert places() == expected | ({NOW: "message_past"} if is_begun else {})
        assert len(partitions.months("message")) == 3 - is_begun


def test_backup_comes_back_into_its_months(postgres: PostgresServer) -> None:
    times, content = (0, NOW - YEAR, NOW, NOW + 31 * DAY, NOW + 3 * YEAR), io.BytesIO()
    with connected(postgres):
        put(*times)
        before, where = sorted(models.Message.select().tuples()), places()
        backup.save(content, NOW)
    content.seek(0)

    with connected(postgres, "template1"):
        backup.restore(content)

        assert sorted(models.Message.select().tuples()) == before
        assert places() == where
        assert len(set(where.values())) == 4


def test_person_is_forgotten_in_every_part(url: str) -> None:
    put(0, NOW, NOW + 31 * DAY, NOW + 3 * YEAR)
    assert len(set(places().values())) == 4

    assert retention.forget("u1", [1])["message"] == 4

    left = models.Message.select()
    assert [(row.user_id, row.text) for row in left] == [(None, None)] * 4


def test_sqlite_has_none(tmp_path: str) -> None:
    opened = db.connect(f"sqlite:///{tmp_path}/whole.db")
    with db.connected():
        migrations.bring_up_to_date()
        partitions.prepare(NOW)
        assert partitions.fold_past(NOW) == []
        assert not any("_past" in name for name in db.database.get_tables())
    opened.close_all()
