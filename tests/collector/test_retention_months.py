"""Retention by whole months, where PostgreSQL has them: they leave at once when all of their rows are due."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import peewee
import psycopg
import pytest

from botwatch_collector import counters, db, models, partitions, retention, rollups
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config
from botwatch_collector.retention import whole
from botwatch_collector.retention.archive import Archive

from ..postgres import PostgresServer
from .streams import add_bots
from .test_partitions import NOW, THIS_MONTH, connected, places
from .test_retention import put
from .test_rollups import tables

LATER = NOW + 200 * DAY
NEXT_MONTH = partitions.month_of(THIS_MONTH + 31 * DAY)


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with connected(postgres) as url:
        add_bots("shop")
        yield url


@pytest.fixture
def config(url: str, tmp_path: Path) -> Config:
    return Config(database=url, archive=tmp_path / "archive")


def prune(config: Config, now: int = LATER) -> list[int]:
    """The rows of the steps in which some left."""
    steps = retention.prune(config, now, rest=lambda _: None)
    return [step.rows for step in steps if step.rows and step.rule in ("message", "activity")]


def archived(config: Config, kind: str = "message") -> list[dict[str, Any]]:
    assert config.archive is not None
    lines = [
        line
        for path in sorted((config.archive / "shop").glob(f"{kind}-*.ndjson.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    return [json.loads(line) for line in lines]


def test_due_month_leaves_at_once_and_is_in_the_archive(config: Config) -> None:
    put("message", *range(THIS_MONTH, THIS_MONTH + 100), *range(NEXT_MONTH, NEXT_MONTH + 50))
    put("activity", *range(THIS_MONTH, THIS_MONTH + 30))

    assert prune(config) == [100, 50, 30]

    assert models.Message.select().count() == models.Activity.select().count() == 0
    assert sorted(event["ts"] for event in archived(config)) == [
        *range(THIS_MONTH, THIS_MONTH + 100), *range(NEXT_MONTH, NEXT_MONTH + 50),
    ]  # fmt: skip
    assert len(archived(config, "activity")) == 30
    assert counters.take()[counters.key("botwatch_pruned_rows_total", table="message")] >= 150


def test_emptied_months_become_past(config: Config) -> None:
    put("message", THIS_MONTH, NEXT_MONTH)
    prune(config)

    partitions.look_after(config, LATER)

    assert partitions.months("message")[0].start == partitions.month_of(LATER)


def test_counts_stay_and_can_be_recomputed(config: Config) -> None:
    put("message", *range(THIS_MONTH, THIS_MONTH + 10 * DAY, DAY), LATER)
    before = tables()

    assert prune(config) == [10]

    assert tables() == before
    rollups.rebuild()
    assert tables() == before


def test_month_with_one_row_that_is_not_due_leaves_row_by_row(config: Config) -> None:
    put("message", *range(THIS_MONTH, THIS_MONTH + 50))
    put("message", THIS_MONTH + 50, received=LATER - DAY)
    # A clock that was set back: the newest row by id isn't the one that came last.
    put("message", THIS_MONTH + 51)

    assert sum(prune(config)) == 51

    assert places() == {THIS_MONTH + 50: partitions.months("message")[0].name}
    assert len(archived(config)) == 51


def test_interrupted_month_is_written_once(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_AT_ONCE", 10)
    put("message", *range(THIS_MONTH, THIS_MONTH + 95))
    steps = retention.prune(config, LATER)
    for _ in range(4):
        assert next(steps).rows == 0
    steps.close()
    assert models.Message.select().count() == 95

    assert prune(config, LATER + 1_000) == [95]

    assert sorted(event["ts"] for event in archived(config)) == [*range(THIS_MONTH, THIS_MONTH + 95)]


def test_row_that_comes_meanwhile_stays(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    put("message", *range(THIS_MONTH, THIS_MONTH + 5))
    empty = partitions.empty

    def come_before(month: partitions.Month, last_id: int) -> int | None:
        if month.table == "message":
            put("message", THIS_MONTH + 5, received=LATER)
        return empty(month, last_id)

    with monkeypatch.context() as patch:
        patch.setattr(partitions, "empty", come_before)
        prune(config)

    assert [row.occurred_at for row in models.Message.select()] == [THIS_MONTH + 5]


def test_month_that_somebody_reads_stays_for_the_next_time(
    config: Config, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("message", *range(THIS_MONTH, THIS_MONTH + 5))
    monkeypatch.setattr(partitions, "_PATIENCE", "100ms")
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM message")
        with pytest.raises(peewee.OperationalError, match="lock timeout"):
            prune(config)

    assert prune(replace(config)) == [5]
    assert len(archived(config)) == 5


def test_kept_for_ever_is_never_due(config: Config) -> None:
    put("message", THIS_MONTH)
    keep = replace(config.keep, messages=0)

    assert prune(replace(config, keep=keep)) == []


def test_no_month_is_due_on_sqlite(tmp_path: Path) -> None:
    (rule, *_) = retention.RULES
    opened = db.connect(f"sqlite:///{tmp_path}/none.db")
    with db.connected(), Archive(None, NOW) as nowhere:
        assert [*whole.prune_months(rule, Config(database="").keep, NOW, nowhere)] == []
    opened.close_all()
