"""The views of PostgreSQL say what the rows say."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import peewee
import pytest

from botwatch_collector import db, migrations, models, partitions, rollups, views
from botwatch_collector.clock import DAY, HOUR
from botwatch_collector.config import Config
from botwatch_collector.ingest.store import store

from ..postgres import PostgresServer
from ..waiting import until
from .streams import add_bots
from .test_partitions import connected
from .test_rollups import some_messages
from .test_store import NOW, batch

CONFIG = Config(database="unused")


@pytest.fixture
def bots(postgres: PostgresServer) -> Iterator[list[int]]:
    with connected(postgres):
        yield add_bots("shop", "news")


def rows(sql: str) -> list[tuple[Any, ...]]:
    return [*db.database.execute_sql(sql).fetchall()]


def store_activities(bot: int, seed: int) -> None:
    rng = random.Random(seed)
    events = [
        {
            "kind": "activity", "seq": seq, "ts": NOW + rng.randrange(-3 * DAY, 3 * DAY),
            "action": rng.choice(["login", "pay"]), "category": rng.choice(["user", "shop"]),
            "status": rng.choice(["success", "failed"]),
        } | ({"duration_ms": rng.randrange(1_000)} if rng.random() < 0.7 else {})
        for seq in range(1, 201)
    ]  # fmt: skip
    store([batch(*events, bot=bot, instance=f"{bot}-{seed}")])


def test_hourly_volume_is_that_of_the_messages(bots: list[int]) -> None:
    for bot in bots:
        store([batch(*some_messages(bot, 300), bot=bot)])
    rollups.catch_up()
    expected: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, set(), []])
    for row in models.Message.select():
        hour = expected[row.bot_id, row.occurred_at // HOUR * HOUR]
        hour[row.direction == "out"] += 1
        if row.direction == "in" and row.user_id is not None:
            hour[2].add(row.user_id)
        if row.response_ms is not None and row.direction == "out":
            hour[3].append(row.response_ms)

    found = rows(
        "SELECT bot_id, extract(epoch FROM hour)::bigint * 1000, messages_in, messages_out, messages, "
        "unique_users, avg_response_ms FROM message_volume_hourly"
    )

    assert len(found) == len(expected) > 20
    for bot, at, came, went, both, users, average in found:
        came_, went_, users_, times = expected[bot, at]
        assert (came, went, both, users) == (came_, went_, came_ + went_, len(users_))
        assert average == (pytest.approx(sum(times) / len(times)) if times else None)


def test_daily_activities_are_those_stored_once_refreshed(bots: list[int]) -> None:
    for bot in bots:
        store_activities(bot, bot)

    def shown() -> dict[Any, tuple[Any, ...]]:
        found = rows(
            "SELECT bot_id, day - date '1970-01-01', category, action, status, activities, timed, "
            "avg_duration_ms, max_duration_ms FROM activity_metrics_daily"
        )
        return {tuple(row[:5]): row[5:] for row in found}

    assert shown() == {}
    assert views.refresh(CONFIG, NOW) is False

    times: dict[Any, list[int | None]] = defaultdict(list)
    for row in models.Activity.select():
        key = row.bot_id, row.occurred_at // DAY, row.category, row.action, row.status
        times[key].append(row.duration_ms)
    assert shown().keys() == times.keys()
    for key, (count, timed, average, longest) in shown().items():
        taken = [time for time in times[key] if time is not None]
        assert (count, timed, longest) == (len(times[key]), len(taken), max(taken, default=None))
        assert average == (pytest.approx(sum(taken) / len(taken)) if taken else None)


def test_every_index_is_shown_once_with_its_use(bots: list[int]) -> None:
    store_activities(bots[0], 1)
    parts = partitions.names()
    listed = "SELECT indexname, tablename FROM pg_indexes WHERE schemaname = 'public'"
    # The views' own one aside.
    whole = {name for name, table in rows(listed) if table not in parts | set(views.NAMES)}

    found = {row[1]: row for row in rows("SELECT * FROM activity_index_usage")}

    assert found.keys() - {"activity_metrics_daily_key"} == whole
    assert found["activity_status"][0] == "activity" and found["activity_status"][5] > 0

    def scans() -> int:
        rows("SELECT id FROM activity WHERE id = 5")
        rows("SELECT pg_stat_force_next_flush()")
        return int(rows("SELECT scans FROM activity_index_usage WHERE index_name = 'activity_id'")[0][0])

    db.database.execute_sql("SET enable_seqscan = off")
    until(lambda: scans() > 0)


def test_view_is_made_anew_only_when_its_file_changes(bots: list[int]) -> None:
    assert views.install() == []

    db.database.execute_sql("COMMENT ON VIEW message_volume_hourly IS 'botwatch older'")
    assert views.install() == ["message_volume_hourly"]
    assert migrations.bring_up_to_date() == [] == views.install()


def test_view_that_somebody_builds_on_stays(bots: list[int], caplog: pytest.LogCaptureFixture) -> None:
    db.database.execute_sql("CREATE VIEW mine AS SELECT * FROM message_volume_hourly")
    db.database.execute_sql("COMMENT ON VIEW message_volume_hourly IS 'botwatch older'")

    assert views.install() == []

    assert "message_volume_hourly stays as it is" in caplog.text
    assert rows("SELECT * FROM mine") == []


def test_every_file_is_a_view_that_is_installed(bots: list[int]) -> None:
    for name in views.NAMES:
        assert rows(f"SELECT to_regclass('{name}')")[0][0] == name
    with pytest.raises(peewee.ProgrammingError):
        rows("SELECT * FROM no_view")


def test_sqlite_needs_none(tmp_path: str) -> None:
    opened = db.connect(f"sqlite:///{tmp_path}/whole.db")
    with db.connected():
        migrations.bring_up_to_date()
        assert views.install() == []
        assert views.refresh(CONFIG, NOW) is False
    opened.close_all()
