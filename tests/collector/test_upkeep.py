"""How the collector tells of itself: readings and their rates, tables, slow statements, advice and score."""

from itertools import pairwise
from typing import Any

import msgspec
import peewee
import pytest

from botwatch_collector import counters, db, models
from botwatch_collector.clock import DAY, HOUR, MINUTE, SECOND, iso
from botwatch_collector.config import Config
from botwatch_collector.upkeep import optimise, readings, slow, state
from botwatch_collector.upkeep.advice import advice
from botwatch_collector.upkeep.cache import cache_hit_percent
from botwatch_collector.upkeep.indexes import index_use
from botwatch_collector.upkeep.report import report
from botwatch_collector.upkeep.score import factors, score
from botwatch_collector.upkeep.tables import table_sizes

NOW = 1_790_000_000_000 // DAY * DAY
CONFIG = Config(database="sqlite:///unused")


def count(**values: float) -> None:
    """As the workers count: `events=3` on the counter behind that reading."""
    for name, value in values.items():
        counters.count(readings._COUNTERS[name], value)
    counters.flush()


def test_rate_is_what_was_counted_since_the_last_reading(database: None) -> None:
    count(events=1_000, batches=10)
    readings.keep(CONFIG, NOW)
    count(events=600, batches=3, commits=2, commit_s=0.5)

    course = readings.recent(NOW + 2 * MINUTE)

    assert course is not None
    assert (course.since, course.until) == (NOW, NOW + 2 * MINUTE)
    assert course.per_s("events") == 5
    assert course.ratio("events", "batches") == 200
    assert course.ratio("commit_s", "commits") == 0.25
    assert course.ratio("stream_lag_s", "streamed") is None


def test_without_a_recent_reading_there_is_no_rate(database: None) -> None:
    assert readings.recent(NOW) is None
    readings.keep(CONFIG, NOW - HOUR)
    assert readings.recent(NOW) is None


def test_readings_are_thinned_to_hours_after_a_day(database: None) -> None:
    start = NOW - 2 * DAY
    for minute in range(0, 180, 20):
        models.CollectorReading.insert(at=start + minute * MINUTE, totals={}).execute()

    readings.keep(CONFIG, NOW)
    readings.keep(CONFIG, NOW)

    left = [one.at for one in models.CollectorReading.select().order_by(models.CollectorReading.at)]
    assert left == [start, start + HOUR, start + 2 * HOUR, NOW]


def test_course_of_the_day_is_told_in_steps_of_ten_minutes(database: None) -> None:
    for minute in range(0, 61):
        totals = dict.fromkeys(readings._COUNTERS, 0.0) | {"events": 60.0 * minute, "size_bytes": 0.0}
        models.CollectorReading.insert(at=NOW - HOUR + minute * MINUTE, totals=totals).execute()

    found = readings.rates(NOW)

    assert found[-1] == (NOW, pytest.approx(1.0))
    assert {rate for _, rate in found} == {1.0}
    assert [later - at for (at, _), (later, _) in pairwise(found)] == [10 * MINUTE] * 5


def test_few_rows_are_counted_and_many_estimated(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botwatch_collector.upkeep.tables._COUNTED", 50)
    for number in range(40):
        models.Bot.insert(name=f"bot-{number}", created_at=0).execute()
    rows = [(f"name {number}", "value") for number in range(500)]
    db.insert_rows(models.Setting, ("name", "value"), rows)
    optimise.optimise(CONFIG, NOW)

    found = {one.table: one for one in table_sizes()}

    assert (found["bot"].rows, found["bot"].is_exact) == (40, True)
    assert (found["setting"].rows, found["setting"].is_exact) == (500, False)
    assert found.keys() == {table._meta.table_name for table in models.TABLES}
    assert found["setting"].size_bytes > 0
    if not db.is_postgresql():
        assert sum(one.size_bytes for one in found.values()) == pytest.approx(db.size_bytes(), rel=0.01)


def test_index_use_is_told_where_the_database_counts_it(database: None) -> None:
    found = index_use()

    assert (found is not None) == db.is_postgresql()
    if found is not None:
        assert "heartbeat_time" in {one.index for one in found}


def test_cache_is_told_once_enough_was_read(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botwatch_collector.upkeep.cache._FEWEST_READS", 1)
    found = cache_hit_percent()

    assert (found is not None) == db.is_postgresql()
    assert found is None or 0 <= found <= 100
    monkeypatch.setattr("botwatch_collector.upkeep.cache._FEWEST_READS", 10**15)
    assert cache_hit_percent() is None


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT 1  FROM bot\n WHERE name = 'it''s'", "SELECT ? FROM bot WHERE name = ?"),
        ("SELECT * FROM t1 WHERE id IN (?, ?, ?)", "SELECT * FROM t1 WHERE id IN (?, ...)"),
        ("SELECT * FROM t1 WHERE id IN (%s, %s)", "SELECT * FROM t1 WHERE id IN (?, ...)"),
        ("INSERT INTO a VALUES (?, ?), (?, ?)", "INSERT INTO a VALUES (?, ...), ..."),
    ],
)
def test_statements_that_differ_in_values_have_one_shape(sql: str, shape: str) -> None:
    assert slow.shape_of(sql) == shape


def test_slow_statements_are_kept_without_their_values(database_url: str) -> None:
    opened = db.connect(database_url)
    slow.watch(opened, 1)
    numbers = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %d) "
    with db.connected():
        for most in (60_000, 70_000):
            sql = f"{numbers % most} SELECT COUNT(*) FROM n WHERE x > {opened.param}"
            opened.execute_sql(sql, (123_456_789,)).fetchall()
        slow.flush()
        slow.flush()
        (found,) = [one for one in slow.slowest(100) if one.shape.startswith("WITH RECURSIVE n")]
        slow.forget(found.last_at + 1)
        left = slow.slowest(100)
    opened.close_all()

    assert found.runs == 2
    assert "123456789" not in found.shape
    assert "?" in found.shape
    assert 1 <= found.worst_ms <= found.total_ms
    assert found.shape not in {one.shape for one in left}


def test_failed_flush_loses_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = db.connect(database_url)
    with db.connected():
        slow._note(peewee.QueryEvent("SELECT a_failed_flush", (), 0.5, None), 100)
        with monkeypatch.context() as broken:
            broken.setattr(slow, "_write", lambda taken: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                slow.flush()
        slow.flush()
        found = {one.shape: one.runs for one in slow.slowest(100)}
    opened.close_all()

    assert found["SELECT a_failed_flush"] == 1


def quiet(**changes: Any) -> state.State:
    """A collector that is well, but for what is changed: `ingest={"commit_ms": 900}`."""
    known = msgspec.json.decode(
        b"""{
        "ingest": {"events_per_s": 1, "events_per_s_of_day": 1, "events_per_batch": 1, "events_per_commit": 1,
            "commit_ms": 5, "rejected_percent": 0, "queue_events": 0, "queue_limit": 1000},
        "stream": {"readers": 1, "slow_readers": 0, "lag_ms": 20},
        "workers": [{"host": "one", "pid": 7, "started_at": "", "seen_at": "", "queue_events": 0}],
        "jobs": [], "slow_query_ms": 100, "slow_queries": [], "analytics_cache": [], "rates": [],
        "database": {"kind": "sqlite", "size_bytes": 1000000000, "grown_bytes_per_day": 0,
            "free_bytes": 90000000000, "cache_hit_percent": null,
            "backed_up_at": null, "tables": [], "indexes": null}
    }"""
    )
    for name, change in changes.items():
        known[name] = known[name] | change if isinstance(change, dict) else change
    return msgspec.convert({"at": iso(NOW), **known}, state.State)


def job(name: str, **more: Any) -> dict[str, Any]:
    known = {"state": "waiting", "due_at": iso(NOW), "started_at": None, "succeeded_at": None, "error": None}
    return {"name": name} | known | more


INDEX = {"table": "message", "scans": 0, "size_bytes": 1 << 30}


def test_nothing_is_advised_where_all_is_well() -> None:
    assert advice(quiet()) == []
    assert score(factors(quiet())) == 100


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"workers": []}, "fail", "No worker"),
        ({"ingest": {"queue_events": 600}}, "warn", "queue is filling: 600 events"),
        ({"ingest": {"queue_events": 950}}, "fail", "95%"),
        ({"ingest": {"commit_ms": 900}}, "warn", "900 ms on average"),
        ({"ingest": {"rejected_percent": 12.0}}, "warn", "12 % of the batches were refused"),
        ({"stream": {"lag_ms": 2_500}}, "warn", "2.5 s behind"),
        ({"jobs": [job("prune", state="overdue")]}, "fail", "Nobody runs the job prune"),
        ({"jobs": [job("prune", state="failed", error="DiskFull")]}, "warn", "failed with DiskFull"),
        ({"database": {"grown_bytes_per_day": 1 << 30}}, "info", "enough for 84 days"),
        ({"database": {"grown_bytes_per_day": 10 << 30}}, "warn", "enough for 8 days"),
        (
            {"database": {"grown_bytes_per_day": 1 << 30, "free_bytes": None}},
            "info",
            "grows by 1.0 GiB a day.",
        ),
        ({"jobs": [job("optimise", succeeded_at=iso(NOW - 8 * DAY))]}, "warn", "statistics are old"),
        ({"database": {"cache_hit_percent": 80.0}}, "info", "finds 80 % of what it reads"),
        ({"database": {"backed_up_at": iso(NOW - 8 * DAY)}}, "warn", "last backup known"),
        ({"database": {"indexes": [INDEX | {"index": "by_text", "is_unique": False}]}}, "info", "by_text"),
    ],
)
def test_advice_says_what_is_wrong(changes: dict[str, Any], status: str, words: str) -> None:
    (found,) = advice(quiet(**changes))

    assert found.status == status
    assert words in found.text


def test_score_is_the_average_of_its_factors_by_weight() -> None:
    found = factors(quiet(ingest={"queue_events": 475, "commit_ms": None}))

    known = [one for one in found if one.score is not None]
    assert [one.name for one in found if one.score is None] == ["Time of a transaction", "Jobs"]
    (queue,) = [one for one in found if one.name == "Ingest queue"]
    assert queue.score == 50
    average = sum(one.score * one.weight for one in known if one.score) / sum(one.weight for one in known)
    assert score(found) == round(average)


def test_report_of_a_new_collector_is_whole(database: None) -> None:
    models.Job.insert(name="prune", due_at=NOW - HOUR).execute()
    models.CollectorWorker.insert(
        id="a", host="one", pid=7, started_at=NOW, seen_at=NOW, gauges={"botwatch_ingest_queue_events": 3.0}
    ).execute()
    models.CollectorWorker.insert(
        id="b", host="gone", pid=8, started_at=NOW, seen_at=NOW - 91 * SECOND, gauges={}
    ).execute()
    state.note_backup(NOW - HOUR)
    state.note_backup(NOW)

    found = report(CONFIG, NOW)

    assert [one.host for one in found.workers] == ["one"]
    assert (found.ingest.queue_events, found.ingest.events_per_s) == (3, None)
    assert [(one.name, one.state) for one in found.jobs] == [("prune", "overdue")]
    assert found.database.backed_up_at == iso(NOW)
    assert found.score is not None


def test_statistics_are_renewed_any_number_of_times(database: None) -> None:
    assert [optimise.optimise(CONFIG, NOW) for _ in range(2)] == [False, False]
