"""Messages that a commit leaves to others to count: counted once, soon, and before anybody looks."""

import fcntl
import io
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from botwatch_collector import backup, db, migrations, models, retention, rollups
from botwatch_collector.clock import DAY, HOUR
from botwatch_collector.config import Config, Keep
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.jobs import behind

from ..postgres import PostgresServer
from ..waiting import until
from .databases import using
from .reading import reading
from .server import Server
from .test_rollups import some_messages, tables
from .test_store import batch, message

NOW = 20_000 * DAY
PERSON = "ann"

keeping_up = import_module("botwatch_collector.rollups.keeping_up")


@pytest.fixture(autouse=True)
def many_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test needn't store thousands."""
    for name, few in (("_AT_ONCE", 10), ("_STEP", 100), ("_USERS_STEP", 20)):
        monkeypatch.setattr(keeping_up, name, few)
    monkeypatch.setattr(keeping_up, "_MOST_WAITING", 1_000)


def waiting() -> int:
    """Messages on PostgreSQL, users of hours on SQLite."""
    state = models.EventSequence.get()
    return int(state.reserved_id - state.counted_id) + models.UserWaiting.select().count()


def left_by(*commits: tuple[int, int], others: int = 0) -> int:
    """How many wait after commits of these seeds and counts, and after some events that are no messages."""
    if db.is_postgresql():
        return sum(count for _, count in commits) + others
    sent = [one for seed, count in commits for one in some_messages(seed, count)]
    return len({
        (one["ts"] // HOUR, one["user_id"]) for one in sent if one["direction"] == "in" and one["user_id"]
    })  # fmt: skip


def put(count: int, seed: int = 1, bot: int = 1) -> None:
    """So many messages in one commit."""
    store([from_instance(f"put-{seed}", seed, count, bot)])


def from_instance(name: str, seed: int, count: int, bot: int = 1) -> Incoming:
    return batch(*some_messages(seed, count), instance=name, bot=bot)


def assert_counted_once() -> None:
    """The rollups say what counting anew says."""
    assert waiting() == 0
    before = tables()
    assert rollups.rebuild() == models.Message.select().count()
    assert tables() == before


@contextmanager
def elsewhere(work: Any) -> Iterator[threading.Thread]:
    """Work in another thread on a connection of its own; has ended when the block has."""

    def connected() -> None:
        with db.connected():
            work()

    thread = threading.Thread(target=connected)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def test_commit_of_few_messages_counts_them(database: None) -> None:
    put(10)

    assert waiting() == 0
    assert_counted_once()


def test_commit_of_many_leaves_them_to_others(database: None) -> None:
    put(250)

    assert waiting() == left_by((1, 250))
    rollups.catch_up()
    assert_counted_once()


def test_few_do_not_overtake_what_waits(database: None) -> None:
    put(50, seed=1)
    put(5, seed=2)
    models.EventSequence.reserve(3)

    assert waiting() == left_by((1, 50), (2, 5), others=3)
    rollups.catch_up()
    put(5, seed=3)
    assert_counted_once()


def test_who_stores_counts_when_too_much_waits(postgres: PostgresServer) -> None:
    most = 0
    with using(postgres.create("too_much_waits", template="template")):
        for seed in range(30):
            put(100, seed)
            most = max(most, waiting())

    assert most == 1_000


def test_newest_name_wins_whoever_counts_it(database: None) -> None:
    """Of two of the same moment, that which came last."""
    store([batch(*(message(seq, ts=5_000, user_id=PERSON, user_name="first") for seq in range(1, 20)))])
    store([batch(message(1, ts=5_000, user_id=PERSON, user_name="second"), instance="other")])
    store([batch(message(2, ts=4_000, user_id=PERSON, user_name="older"), instance="other")])
    rollups.catch_up()

    assert models.BotUser.get(models.BotUser.user_id == PERSON).user_name == "second"
    assert_counted_once()


def test_reader_finds_all_of_it_counted(database_url: str) -> None:
    with reading(database_url, lambda bot, _: put(250, bot=bot)) as api:
        found = api.json("/api/analytics/overview?from=2024-02-01&to=2024-04-01")

    written = sum(one["direction"] == "in" for one in some_messages(1, 250))
    assert found["messages"]["in"] == written


def test_reader_takes_old_numbers_when_counting_hangs(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping_up, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(keeping_up, "_RESIGNED_S", 0)
    with reading(
        postgres.create("counting_hangs", template="template"), lambda bot, _: put(250, bot=bot)
    ) as api:
        is_held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with db.writing():
                keeping_up._hold()
                is_held.set()
                release.wait(60)

        with elsewhere(hold):
            is_held.wait(60)
            held = api.json("/api/analytics/overview?from=2024-02-01&to=2024-04-01")
            release.set()
        after = api.json("/api/analytics/overview?from=2024-02-01&to=2024-04-01")

    assert held["messages"]["in"] < after["messages"]["in"]


def test_reader_counts_nothing_into_a_damaged_file(tmp_path: Path) -> None:
    with using(f"sqlite:///{tmp_path}/botwatch.db"):
        migrations.bring_up_to_date()
        put(250)
        left = waiting()
        note = tmp_path / "botwatch.db-damaged"
        note.write_text(f"{(tmp_path / 'botwatch.db').stat().st_ino} a page is torn")
        rollups.catch_up_for_reader()
        assert waiting() == left
        note.unlink()
        rollups.catch_up()
        assert waiting() == 0


def test_readers_wait_once_for_what_they_can_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping_up, "_PATIENCE_S", 0.2)
    with using(f"sqlite:///{tmp_path}/botwatch.db"):
        migrations.bring_up_to_date()
        put(250)
        left, threads = waiting(), threading.active_count()
        with (tmp_path / "botwatch.db-write-lock").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            began = time.monotonic()
            for _ in range(100):
                rollups.catch_up_for_reader()
            assert time.monotonic() - began < 10
            assert not any(db.write_if_free(models.Job.delete()) for _ in range(100))
            assert threading.active_count() <= threads + 1
            assert waiting() == left
        monkeypatch.setattr(keeping_up, "_resigned_until", {})
        rollups.catch_up_for_reader()
        assert waiting() == 0


def test_many_count_at_once_beside_many_who_store(database: None) -> None:
    stopping = threading.Event()
    counting = [thread for _ in range(3) for thread in behind.start(stopping)]

    def send(name: str) -> None:
        rng = random.Random(name)
        with db.connected():
            for turn in range(15):
                store([from_instance(f"{name}-{turn}", turn, rng.choice([3, 40, 300]), rng.choice([1, 2]))])

    storing = [threading.Thread(target=send, args=(name,)) for name in ("one", "two")]
    for thread in storing:
        thread.start()
    for thread in storing:
        thread.join()
    until(lambda: waiting() == 0)
    stopping.set()
    for thread in counting:
        thread.join()

    assert_counted_once()


def test_forgotten_person_is_not_counted_later(database: None) -> None:
    put(250)
    retention.forget(PERSON, [1])
    rollups.catch_up()

    assert not models.UserHour.select().where(models.UserHour.user_id == PERSON).exists()
    assert not models.BotUser.select().where(models.BotUser.user_id == PERSON).exists()
    assert sum(row.messages_in + row.messages_out for row in models.MessageDay.select()) == 250


def test_person_is_forgotten_while_somebody_counts_them(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nobody writes while another writes."""
    count, has_read = keeping_up.apply, threading.Event()

    def count_slowly(rows: Any) -> None:
        rows = list(rows)
        has_read.set()
        time.sleep(0.5)
        count(rows)

    monkeypatch.setattr(keeping_up, "apply", count_slowly)
    with using(postgres.create("counted_slowly", template="template")):
        put(50)
        with elsewhere(rollups.catch_up):
            has_read.wait(60)
            retention.forget(PERSON, [1])

        assert not models.UserHour.select().where(models.UserHour.user_id == PERSON).exists()
        assert not models.BotUser.select().where(models.BotUser.user_id == PERSON).exists()


def test_messages_are_counted_before_they_are_pruned(database: None) -> None:
    put(250)
    config = replace(Config(database="sqlite:///unused"), keep=Keep(messages=1))
    for _ in retention.prune(config, NOW + 400_000 * DAY, rest=lambda _: None):
        pass

    assert not models.Message.select().exists()
    assert sum(row.messages_in + row.messages_out for row in models.MessageDay.select()) == 250


def test_rebuild_counts_what_waits_in_hours_that_were_pruned(database: None) -> None:
    put(250)
    hour = models.Message.select().first().occurred_at // 3_600_000 * 3_600_000
    models.PrunedHour.insert(bot_id=1, at=hour).execute()
    rollups.rebuild()

    assert waiting() == 0
    assert sum(row.messages_in + row.messages_out for row in models.MessageDay.select()) == 250


def test_backup_knows_what_waits(database_url: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with using(database_url):
        put(250)
        backup.save(file, NOW)
        expected = tables()
    with using(f"sqlite:///{tmp_path}/restored.db"):
        backup.restore(io.BytesIO(file.getvalue()))
        assert waiting() == 0
        assert tables() == expected


def test_counting_that_is_killed_counts_each_message_once(
    database_url: str, pytestconfig: pytest.Config
) -> None:
    with Server(database_url, workers=1) as server, using(database_url):
        for seed in range(4 * pytestconfig.getoption("kills")):
            put(3_000, seed)
            if seed % 4 == 3:
                until(lambda: server.companion_pid("botwatch-jobs"))
                time.sleep(random.random())
                os.kill(server.companion_pid("botwatch-jobs") or 0, signal.SIGKILL)
        until(lambda: waiting() == 0)
        assert_counted_once()
