"""Retention: what is old leaves, in small steps, and every figure stays what it was."""

import random
import threading
from collections import Counter
from dataclasses import replace
from importlib import import_module
from typing import Any

import msgspec
import pytest

from botwatch_collector import counters, db, models, retention, rollups
from botwatch_collector.clock import DAY, HOUR, MINUTE, SECOND
from botwatch_collector.config import Config, Keep
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header
from botwatch_collector.retention.declared import RULES

from .test_rollups import some_messages, tables

NOW = 20_000 * DAY
CONFIG = Config(database="sqlite:///unused")


def put(kind: str, *times: int, received: int | None = None, instance: str = "one", **fields: Any) -> None:
    """An event of bot 1 at each time, received then or at `received`."""
    plain: dict[str, dict[str, Any]] = {
        "message": {"direction": "in", "text": "hello", "user_id": "ann"},
        "activity": {"action": "login"},
        "check": {"name": "database", "status": "ok"},
        "heartbeat": {},
        "sample": {"cpu_percent": 1.0},
    }
    batches = []
    for at in times:
        event = {"kind": kind, "ts": at, "id": f"{kind}-{random.random()}"} | plain[kind] | fields
        decoded = msgspec.convert([event], list[AnyEvent])
        batches.append(Incoming(1, Batch(Header(v=1, instance=instance), decoded), received or at))
    store(batches)


def prune(now: int = NOW, keep: Keep | None = None) -> Counter[str]:
    removed: Counter[str] = Counter()
    config = replace(CONFIG, keep=keep) if keep else CONFIG
    for step in retention.prune(config, now, rest=lambda _: None):
        removed[step.rule] += step.rows
    return removed


def times_of(model: Any) -> list[int]:
    return [row.occurred_at for row in model.select().order_by(model.occurred_at)]


@pytest.mark.parametrize(
    ("kind", "model", "days"),
    [("message", models.Message, 90), ("activity", models.Activity, 90), ("check", models.CheckResult, 30)],
)
def test_what_is_older_than_it_is_kept_leaves(database: None, kind: str, model: Any, days: int) -> None:
    put(kind, NOW - days * DAY - 1, NOW - days * DAY, NOW)

    prune()

    assert times_of(model) == [NOW - days * DAY, NOW]


def test_age_counts_from_when_it_came(database: None) -> None:
    put("message", 5 * DAY, received=NOW - DAY)
    put("message", NOW + 5 * DAY, received=NOW - 91 * DAY)

    prune()

    assert times_of(models.Message) == [5 * DAY]


def test_ids_leave_with_their_messages(database: None) -> None:
    put("message", NOW - 91 * DAY, id="old")
    put("message", NOW, id="new")

    prune()

    assert [row.id for row in models.EventId.select()] == ["new"]


def test_zero_days_is_for_ever(database: None) -> None:
    put("message", 1)
    put("sample", 1, 2)

    prune(keep=Keep(messages=0, samples=0, samples_by_minute=0, samples_by_hour=0))

    assert times_of(models.Message) == [1]
    assert times_of(models.Sample) == [1, 2]


def test_samples_are_thinned_with_their_age(database: None) -> None:
    every = 20 * SECOND
    times = [NOW - 800 * DAY, NOW - 800 * DAY + every]
    for days in (100, 10, 1):
        times += [NOW - days * DAY + number * every for number in range(600)]
    put("sample", *times)

    prune()

    by_age = Counter((NOW - at + DAY - 1) // DAY for at in times_of(models.Sample))
    # 600 readings of 20 s are 200 minutes, or four hours that begin.
    assert by_age == {100: 4, 10: 200, 1: 600}
    ends = [at for at in times_of(models.Sample) if at < NOW - 90 * DAY]
    assert [at % HOUR for at in ends[:-1]] == [HOUR - every] * 3


def test_each_instance_keeps_its_own_sample_of_a_minute(database: None) -> None:
    at = NOW - 10 * DAY
    for instance in ("one", "two"):
        put("sample", at, at + 1, at + 1, instance=instance)

    prune()

    assert times_of(models.Sample) == [at + 1, at + 1]


def test_last_heartbeat_of_an_instance_stays(database: None) -> None:
    put("heartbeat", NOW - 9 * DAY, NOW - 8 * DAY, instance="gone")
    put("heartbeat", NOW - 9 * DAY, NOW - 8 * DAY, NOW, instance="alive")

    prune()

    assert times_of(models.Heartbeat) == [NOW - 8 * DAY, NOW]


def test_second_run_finds_nothing(database: None) -> None:
    for kind in ("message", "activity", "check", "heartbeat", "sample"):
        put(kind, *(NOW - days * DAY for days in (800, 100, 40, 5, 1)))
    prune()

    assert prune().total() == 0


def test_run_that_was_interrupted_is_finished_by_the_next(database: None) -> None:
    put("message", *(NOW - 91 * DAY + number for number in range(100)))
    put("sample", *(NOW - 3 * DAY + number for number in range(100)))
    steps = retention.prune(CONFIG, NOW, rest=lambda _: None)
    first = next(steps)
    steps.close()

    assert 0 < first.rows < 100
    assert prune()["message"] == 100 - first.rows
    assert len(times_of(models.Sample)) == 1


def test_rows_of_a_clock_that_was_ahead_do_not_hold_up_the_rest(database: None) -> None:
    put("message", *range(50), received=NOW + 365 * DAY)
    put("message", 50, received=NOW - 91 * DAY)

    prune()

    assert times_of(models.Message) == [*range(50)]


def test_dry_count_is_what_leaves(database: None) -> None:
    for kind in ("message", "activity", "check", "heartbeat"):
        put(kind, *(NOW - days * DAY for days in (800, 100, 40, 5, 1)))

    promised = retention.due(Keep(), NOW)

    assert {name: count for name, count in promised.items() if count} == {
        "message": 2, "event_id": 8, "activity": 2, "check": 3, "heartbeat": 3,
    }  # fmt: skip
    removed = prune()
    assert {name: removed[name] for name in promised} == promised


def test_removed_rows_are_counted(database: None) -> None:
    counters.take()
    put("message", NOW - 91 * DAY, NOW - 92 * DAY, NOW)

    prune()

    assert counters.take()[counters.key("botwatch_pruned_rows_total", table="message")] == 2


def test_pruning_leaves_the_rollups_as_they_are(database: None) -> None:
    store_history(1)
    before = tables()

    assert prune(keep=Keep(messages=90))["message"] > 100

    assert tables() == before


def store_history(seed: int) -> None:
    """Messages of ten days of 2024, some of which came long before NOW, and some late."""
    sent = some_messages(seed, 300)
    for start in range(0, len(sent), 10):
        events = msgspec.convert(sent[start : start + 10], list[AnyEvent])
        received = NOW - (300 - start) * DAY
        store([Incoming(1, Batch(Header(v=1, instance="one"), events), received)])


@pytest.mark.parametrize("seed", range(3))
def test_rebuild_after_pruning_keeps_history(database: None, seed: int) -> None:
    store_history(seed)
    before = tables()
    kept_days = random.Random(seed).randrange(20, 290)
    assert prune(keep=Keep(messages=kept_days))["message"] > 0

    rollups.rebuild()

    assert tables() == before


def test_rebuild_cures_what_can_be_counted_and_leaves_the_rest(database: None) -> None:
    old, new = NOW - 100 * DAY, NOW - DAY
    put("message", old, old + MINUTE, new, new + MINUTE)
    before = tables()
    prune()
    at = db.start_of(models.MessageMinute.at, DAY)
    models.MessageMinute.update(messages_in=99).where(at == new - new % DAY).execute()
    for model in (models.MessageDay, models.MessageHour, models.UserMonth, models.UserDay):
        model.delete().execute()

    assert rollups.rebuild() == 2
    assert tables() == before


def test_pruning_waits_for_a_rebuild(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    put("message", *(NOW - 100 * DAY + number for number in range(50)))
    before = tables()
    rebuild = import_module("botwatch_collector.rollups.rebuild")
    clear = rebuild._clear_people

    def prune_beside() -> None:
        with db.connected():
            prune()

    pruning = threading.Thread(target=prune_beside)

    def clear_and_prune() -> None:
        clear()
        pruning.start()
        # Time enough to do harm, were it not held up.
        pruning.join(1)

    monkeypatch.setattr(rebuild, "_clear_people", clear_and_prune)
    rollups.rebuild()
    pruning.join()

    assert times_of(models.Message) == []
    assert tables() == before


KINDS = tuple(rule.model for rule in RULES)


def test_every_table_that_events_fill_has_a_rule(database: None) -> None:
    """A large table is one that tells when its rows came."""
    large = {model for model in models.TABLES if "received_at" in model._meta.fields}
    assert large == set(KINDS)


def test_default_settings_name_every_rule() -> None:
    assert {rule.keep for rule in RULES} == set(Keep.__dataclass_fields__)
