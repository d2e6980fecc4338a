"""Distribution by bot: every table is fit for it, and a Citus of one's own does it."""

import os
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from botwatch_collector import (
    clock,
    db,
    distribution,
    migrations,
    models,
    partitions,
    retention,
    rollups,
    views,
)
from botwatch_collector.access import bots, tokens
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config, Keep
from botwatch_collector.errors import ConfigurationError
from botwatch_collector.ingest.store import Outcome, store
from botwatch_collector.stream.reading import events_after, latest_id

from ..postgres import PostgresServer
from .test_cli import Run, run
from .test_partitions import connected
from .test_rollups import tables
from .test_store import batch, message

__all__ = ["run"]


@pytest.fixture
def plain(postgres: PostgresServer) -> Iterator[None]:
    """A PostgreSQL without the extension."""
    with connected(postgres):
        yield


@pytest.fixture
def citus() -> Iterator[None]:
    """A schema of its own in the database that is named, gone afterwards."""
    url = os.environ.get("BOTWATCH_TEST_CITUS")
    if not url:
        pytest.skip("BOTWATCH_TEST_CITUS names no database with the extension citus")
    name = f"botwatch_{uuid.uuid4().hex}"
    mark = "&" if "?" in url else "?"
    opened = db.connect(f"{url}{mark}options={quote(f'-csearch_path={name},public')}")
    with db.connected():
        db.database.execute_sql(f"CREATE SCHEMA {name}")
        try:
            yield
        finally:
            db.database.execute_sql(f"DROP SCHEMA {name} CASCADE")
    opened.close_all()


def test_every_table_of_bots_is_laid_out(plain: None) -> None:
    """Asked of the database itself, so that a table without a model fails."""
    found = db.database.execute_sql(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'bot_id' "
        "AND table_schema = 'public'"
    )
    of_bots = {name for (name,) in found.fetchall()} - partitions.names() - set(views.NAMES)

    copied = {model._meta.table_name for model in distribution.COPIED}
    assert {*distribution.distributed()} | copied == of_bots | {"bot"}
    assert {*distribution.distributed()}.isdisjoint(copied)


def test_keys_of_distributed_tables_hold_the_bot(plain: None) -> None:
    """Only so can a node tell by itself that a key is unique."""
    found = db.database.execute_sql(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index WHERE indisunique "
        "AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey) "
        "AND attname = 'bot_id')"
    )
    without = {table: index for table, index in found.fetchall() if table in distribution.distributed()}
    assert without == {}


def test_no_foreign_key_leaves_or_enters_a_distributed_table(plain: None) -> None:
    found = db.database.execute_sql(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
    )
    assert {*distribution.distributed()}.isdisjoint({name for pair in found.fetchall() for name in pair})


def test_other_database_is_told_what_is_missing(run: Run) -> None:
    done = run("migrate", "--distribute")

    assert done.exit_code == 1
    assert "error: BOTWATCH_DATABASE: " in done.stderr
    postgresql, sqlite = "the extension citus is missing", "needs PostgreSQL with the extension citus"
    assert (postgresql if db.is_postgresql() else sqlite) in done.stderr


def test_refused_without_changing_anything(plain: None) -> None:
    with pytest.raises(ConfigurationError, match="CREATE EXTENSION citus"):
        distribution.distribute()


def test_citus_holds_and_answers_as_one_database(citus: None) -> None:
    now = clock.now()
    migrations.bring_up_to_date()
    made = [bots.add(name, now) for name in ("shop", "news", "game")]
    tokens.add("ingest", now, bot=made[0])
    put(made, now, seqs=range(1, 6))

    laid_out = distribution.distribute()

    assert {*laid_out} == {*distribution.distributed(), "bot", "token"}
    assert distribution.distribute() == []
    put(made, now, seqs=range(3, 11))
    ids = sorted(row.id for row in models.Message.select())
    assert len(ids) == 30
    assert [frame.id for frame in events_after(0, latest_id()).frames] == ids
    assert overview([bot.id for bot in made], Window(now - DAY, now + DAY)).messages.total == 30
    counted = tables()
    rollups.rebuild()
    assert tables() == counted

    # Ahead, folded, removed, forgotten: as on any other.
    partitions.make_ahead(now + 100 * DAY)
    views.refresh(Config(database="unused"), now)
    assert retention.forget("u1", [made[0].id])["message"] == 10
    later, keep = now + 100 * DAY, Keep(messages=1)
    removed = [step.rows for step in retention.prune(Config(database="unused", keep=keep), later)]
    assert sum(removed) >= 30 and models.Message.select().count() == 0
    partitions.fold_past(later)
    assert partitions.months("message")[0].start == partitions.month_of(later)
    put(made, now, seqs=range(11, 12))
    assert models.Message.select().count() == 3


def put(made: list[models.Bot], now: int, seqs: range) -> None:
    """The same of every bot; what was there before is not stored again."""
    sent = [batch(*(message(seq, ts=now - seq) for seq in seqs), bot=bot.id) for bot in made]
    known = {row.bot_id: row.last_seq for row in models.Instance.select()}
    new = [sum(seq > known.get(bot.id, 0) for seq in seqs) for bot in made]
    assert store(sent) == [Outcome(count, len(seqs) - count) for count in new]
