"""The bar of heartbeats: what a bot was and for how long, recomputed from the raw heartbeats."""

import random
from datetime import datetime
from itertools import pairwise
from typing import Any

import peewee
import pytest
from peewee import fn

from botwatch_collector import models
from botwatch_collector.analytics.availability import Availability, availability
from botwatch_collector.analytics.beats import state_of
from botwatch_collector.analytics.runs import runs
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, MINUTE, SECOND, iso, to_ms

NOW = to_ms(datetime.fromisoformat("2026-10-28T09:20:00Z"))
DAY_SLOT = 30 * MINUTE


@pytest.fixture
def bot(database: None) -> int:
    return add_bot("alice-bot")


def add_bot(name: str) -> int:
    return models.Bot.insert(name=name, created_at=0).execute()  # type: ignore[no-any-return]


def add_instance(bot: int, name: str = "one", agent: str | None = None) -> int:
    seen = {"first_seen_at": 0, "last_seen_at": 0}
    return models.Instance.insert(bot_id=bot, name=name, agent=agent, **seen).execute()  # type: ignore[no-any-return]


def beat(bot: int, instance: int, *times: int, **more: Any) -> None:
    first = (models.Heartbeat.select(fn.MAX(models.Heartbeat.id)).scalar() or 0) + 1
    told = {
        "bot_id": bot,
        "instance_id": instance,
        "interval_s": 15.0,
        "stopping": False,
        "details": {},
    } | more
    rows = [told | {"id": first + n, "occurred_at": at, "received_at": at} for n, at in enumerate(times)]
    for batch in peewee.chunked(rows, 1_000):
        models.Heartbeat.insert_many(batch).execute()
    models.Instance.update(last_seen_at=times[-1]).where(models.Instance.id == instance).execute()


def beats(bot: int, instance: int, start: int, end: int, every: int = 15 * SECOND, **more: Any) -> None:
    """Regular ones, the last of them before `end`."""
    beat(bot, instance, *range(start, end, every), **more)


def only(bot: int, **more: Any) -> Availability:
    (found,) = availability([bot], "24h", NOW, **more)
    return found


def oracle(heartbeats: list[Any], at: int) -> str:
    """What a bot would have been called at that time: from the newest heartbeat of each instance."""
    newest = {row.instance_id: row for row in heartbeats if row.received_at <= at}
    states = {state_of(row, at) for row in newest.values()}
    for alive in ("up", "late"):
        if alive in states:
            return alive
    last = max(newest.values(), key=lambda row: (row.received_at, row.id), default=None)
    return "unknown" if last is None else state_of(last, at)


@pytest.mark.parametrize("seed", range(3))
def test_every_moment_is_what_the_raw_heartbeats_say(bot: int, seed: int) -> None:
    made = random.Random(seed)
    instances = [add_instance(bot, f"instance-{number}") for number in range(3)]
    start = NOW - 2 * HOUR
    sent = []
    for instance in instances:
        at = start - made.randrange(HOUR)
        while at < NOW:
            sent.append((at, instance, made.random() < 0.06, made.choice([1.0, 15.0, 40.0])))
            at += made.choice([0, 5_000, 15_000, 31_000, 70_000, 90_000, 400_000, 1_900_000])
    for at, instance, stopping, interval_s in sorted(sent):
        beat(bot, instance, at, stopping=stopping, interval_s=interval_s)

    course = runs([bot], Window(start, NOW))[bot]

    order = (models.Heartbeat.received_at, models.Heartbeat.id)
    heartbeats = list(models.Heartbeat.select().order_by(*order))
    assert (course[0].start, course[-1].end) == (start, NOW)
    assert all(one.end == other.start and one.kind != other.kind for one, other in pairwise(course))
    for run in course:
        for at in (run.start, (run.start + run.end) // 2, run.end - 1):
            assert oracle(heartbeats, at) == run.kind, iso(at)


def test_regular_heartbeats_are_a_full_bar(bot: int) -> None:
    beats(bot, add_instance(bot), NOW - DAY - HOUR, NOW, every=MINUTE, interval_s=60.0)

    found = only(bot)

    assert (found.uptime_percent, found.outages) == (100, [])
    assert {slot.state for slot in found.slots} == {"up"}
    assert len(found.slots) == 48
    assert [slot.up_s for slot in found.slots] == [1_800] * 47 + [1_200]


def test_outage_is_told_with_its_times_and_counts_against_uptime(bot: int) -> None:
    instance, first = add_instance(bot), NOW // DAY_SLOT * DAY_SLOT - 47 * DAY_SLOT
    fell, rose = NOW - 3 * HOUR, NOW - 2 * HOUR
    beats(bot, instance, first - MINUTE, fell + 1, every=MINUTE, interval_s=60.0)
    beats(bot, instance, rose, NOW, every=MINUTE, interval_s=60.0)

    found = only(bot)

    (outage,) = found.outages
    down_at = fell + 240 * SECOND + 1
    assert (outage.start, outage.end) == (iso(down_at), iso(rose))
    assert outage.duration_s == (rose - down_at) / 1_000
    assert found.uptime_percent == round(100 - 100 * (rose - down_at) / (NOW - first), 3)
    assert [slot.state for slot in found.slots].count("down") == 3
    assert sum(slot.down_s for slot in found.slots) == pytest.approx(outage.duration_s)


def test_outage_that_lasts_has_no_end(bot: int) -> None:
    beat(bot, add_instance(bot), NOW - HOUR)

    assert [outage.end for outage in only(bot).outages] == [None]


def test_clean_stop_is_no_outage(bot: int) -> None:
    instance = add_instance(bot)
    beats(bot, instance, NOW - 4 * HOUR, NOW - 3 * HOUR, every=MINUTE, interval_s=60.0)
    beat(bot, instance, NOW - 3 * HOUR, stopping=True)

    found = only(bot)

    assert (found.uptime_percent, found.outages) == (100, [])
    assert [slot.state for slot in found.slots[-6:]] == ["stopped"] * 6


def test_time_before_the_first_heartbeat_is_unknown(bot: int) -> None:
    beat(bot, add_instance(bot), NOW - MINUTE, interval_s=60.0)

    assert [slot.state for slot in only(bot).slots] == ["unknown"] * 47 + ["up"]


def test_bot_without_heartbeats_has_no_share(bot: int) -> None:
    assert only(bot).uptime_percent is None


def test_silence_that_began_before_the_window_fills_it(bot: int) -> None:
    beat(bot, add_instance(bot), NOW - 5 * DAY)

    found = only(bot)

    assert {slot.state for slot in found.slots} == {"down"}
    assert found.uptime_percent == 0


def test_second_instance_bridges_a_restart(bot: int) -> None:
    old, new = add_instance(bot, "old"), add_instance(bot, "new")
    beats(bot, old, NOW - 2 * HOUR, NOW - HOUR)
    beats(bot, new, NOW - HOUR, NOW)

    assert only(bot).uptime_percent == 100


def test_job_counts_only_where_no_process_reports(bot: int) -> None:
    other = add_bot("bob-bot")
    ping = {"interval_s": 3_600.0, "details": {"agent": models.PING_AGENT, "grace_s": 600.0}}
    for number, one in enumerate((bot, other), 1):
        key = models.Token.insert(
            scope="ping", bot=one, hint="", hash=str(number), created_at=0, period_s=3_600, grace_s=600
        ).execute()
        job = add_instance(one, models.ping_instance(key), models.PING_AGENT)
        beat(one, job, NOW - 2 * HOUR, **ping)
    beats(other, add_instance(other), NOW - 2 * HOUR, NOW, every=MINUTE, interval_s=60.0)

    of_job, of_process = availability([bot, other], "24h", NOW)

    assert [slot.state for slot in of_job.slots[-5:]] == ["up", "up", "late", "down", "down"]
    assert {slot.state for slot in of_process.slots[-4:]} == {"up"}


def test_nothing_is_said_of_what_is_not_kept(bot: int) -> None:
    beat(bot, add_instance(bot), NOW - 3 * DAY)

    found = only(bot, kept_since=NOW - HOUR)

    assert [slot.state for slot in found.slots[:-3]] == ["unknown"] * 45


def test_week_has_slots_of_three_hours(bot: int) -> None:
    beats(bot, add_instance(bot), NOW - 7 * DAY, NOW, every=10 * MINUTE, interval_s=600.0)

    (found,) = availability([bot], "7d", NOW)

    assert len(found.slots) == 56
    assert {slot.state for slot in found.slots} <= {"up", "late"}
