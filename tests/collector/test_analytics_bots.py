"""States of bots, deafness, and the Monitoring page's figures."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from botwatch_collector import models, rollups
from botwatch_collector.analytics.bots import BotState, bot_states
from botwatch_collector.analytics.dashboard import dashboard
from botwatch_collector.analytics.service import metrics, no_database, quick_health
from botwatch_collector.clock import DAY, HOUR, MINUTE, SECOND, to_ms
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

from . import oracle
from .oracle import Said, plain, put

NOW = to_ms(datetime.fromisoformat("2024-10-28T09:20:00Z"))  # Berlin changed its clocks the day before
UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def bot(database: None) -> int:
    return models.Bot.insert(name="alice-bot", created_at=0).execute()  # type: ignore[no-any-return]


def send(bot: int, *events: dict[str, Any], received_at: int = NOW, instance: str = "one") -> None:
    numbered = [{"ts": received_at, "id": f"{instance}-{received_at}-{n}"} | e for n, e in enumerate(events)]
    header = Header(v=1, instance=instance, host="host", pid=7, sent_at=received_at - 40)
    store([Incoming(bot, Batch(header, msgspec.convert(numbered, list[AnyEvent])), received_at)])
    rollups.catch_up()


def beat(**fields: Any) -> dict[str, Any]:
    return {"kind": "heartbeat", "interval_s": 15.0} | fields


def only_state(bot: int, now: int = NOW) -> BotState:
    (state,) = bot_states([bot], now)
    return state


@pytest.mark.parametrize(
    ("interval_s", "silent_s", "expected"),
    [
        (15, 0, "up"),
        (15, 30, "up"),
        (15, 30.001, "late"),
        (15, 60, "late"),
        (15, 60.001, "down"),
        (1, 10, "up"),
        (1, 10.001, "late"),
        (1, 60.001, "down"),
        (60, 120, "up"),
        (60, 240, "late"),
        (60, 240.001, "down"),
    ],
)
def test_silence_makes_a_bot_late_then_down(
    bot: int, interval_s: float, silent_s: float, expected: str
) -> None:
    send(bot, beat(interval_s=interval_s))

    assert only_state(bot, NOW + round(silent_s * 1_000)).state == expected


def test_bot_without_a_heartbeat_never_reported(bot: int) -> None:
    assert only_state(bot).state == "never"
    put([Said(NOW, bot=bot)])
    assert only_state(bot).state == "never"


def test_clean_end_is_stopped_and_not_down(bot: int) -> None:
    send(bot, beat(), received_at=NOW - MINUTE)
    send(bot, beat(stopping=True))

    assert only_state(bot, NOW + HOUR).state == "stopped"


def test_bot_is_up_while_one_instance_is(bot: int) -> None:
    send(bot, beat(), instance="old", received_at=NOW - HOUR)
    send(bot, beat(), instance="new")

    state = only_state(bot)

    assert state.state == "up"
    assert [(one.name, one.state) for one in state.instances] == [("new", "up"), ("old", "down")]


def test_instances_of_yesterday_go_but_the_latest_stays(bot: int) -> None:
    send(bot, beat(), instance="older", received_at=NOW - 3 * DAY)
    send(bot, beat(), instance="old", received_at=NOW - 2 * DAY)

    assert [one.name for one in only_state(bot).instances] == ["old"]


def test_wrong_clock_of_a_bot_does_not_make_it_late(bot: int) -> None:
    send(bot, beat(ts=NOW - 5 * HOUR))

    assert only_state(bot).state == "up"


def test_instance_tells_its_latest_readings(bot: int) -> None:
    send(
        bot,
        {
            "kind": "sample",
            "ts": NOW - SECOND,
            "cpu_percent": 12.5,
            "cpu_limit": 1.5,
            "memory_bytes": 3 << 20,
            "memory_limit_bytes": 64 << 20,
            "threads": 4,
            "fds": 9,
            "gc_collections": 11,
            "db_connections": 2,
        },
        {"kind": "sample", "ts": NOW - 9 * SECOND, "cpu_percent": 99.0},
        beat(
            uptime_s=100.0,
            update_age_s=3.0,
            version="1.2",
            losses={"age": 2, "rejected": 3},
            spool={"events": 8, "bytes": 100, "oldest_age_s": 1.5, "place": "memory"},
            sent_per_s=16.9,
            errors=4,
            cpu_s=0.25,
        ),
    )

    (one,) = only_state(bot, NOW + 5 * SECOND).instances

    assert plain(one) == {
        "id": one.id,
        "name": "one",
        "host": "host",
        "pid": 7,
        "state": "up",
        "last_seen": "2024-10-28T09:20:00.000Z",
        "uptime_s": 105.0,
        "version": "1.2",
        "agent": None,
        "cpu_percent": 12.5,
        "cpu_limit": 1.5,
        "memory_mb": 3.0,
        "memory_limit_mb": 64.0,
        "threads": 4,
        "fds": 9,
        "gc_collections": 11,
        "db_connections": 2,
        "loop_lag_ms": None,
        "update_age_s": 8.0,
        "skew_ms": -40,
        "queue_events": 8,
        "queue_age_s": 1.5,
        "queue_place": "memory",
        "sent_per_s": 16.9,
        "errors": 4,
        "agent_cpu_percent": 0.25,
        "losses": 5,
    }


def test_checks_are_unknown_once_their_bot_is_silent(bot: int) -> None:
    checks = {"LLM": {"status": "fail", "message": "refused", "latency_ms": 4.5, "checked_at": NOW - SECOND}}
    send(bot, beat(checks=checks))

    fresh, stale = only_state(bot).checks["LLM"], only_state(bot, NOW + HOUR).checks["LLM"]

    assert plain(fresh) == {
        "status": "fail",
        "message": "refused",
        "latency_ms": 4.5,
        "checked_at": "2024-10-28T09:19:59.000Z",
        "instances": 1,
        "failing": 1,
    }
    assert stale.status == "unknown"


def every_minute(start: int, end: int, bot: int) -> list[Said]:
    return [Said(at, bot=bot) for at in range(start, end, MINUTE)]


def test_busy_bot_that_gets_nothing_any_more_is_deaf(bot: int) -> None:
    silent_since = NOW - 20 * MINUTE
    put(every_minute(NOW - 3 * DAY, silent_since, bot))
    send(bot, beat(update_age_s=20 * 60.0))

    assert only_state(bot).deaf


def test_quarter_of_an_hour_is_not_yet_deaf(bot: int) -> None:
    put(every_minute(NOW - 3 * DAY, NOW - 15 * MINUTE, bot))
    send(bot, beat(update_age_s=15 * 60.0))

    assert not only_state(bot).deaf


def test_bot_that_is_quiet_every_night_is_not_deaf_at_night(bot: int) -> None:
    nights_off = [said for said in every_minute(NOW - 4 * DAY, NOW, bot) if said.at % DAY > NOW % DAY]
    put(nights_off)
    send(bot, beat(update_age_s=9 * 3_600.0))

    assert not only_state(bot).deaf


def test_first_day_is_judged_by_the_time_just_before(bot: int) -> None:
    put(every_minute(NOW - 2 * HOUR, NOW - 30 * MINUTE, bot))
    send(bot, beat(update_age_s=30 * 60.0))

    assert only_state(bot).deaf


def test_one_hearing_instance_is_enough(bot: int) -> None:
    put(every_minute(NOW - 3 * DAY, NOW - 20 * MINUTE, bot))
    send(bot, beat(update_age_s=20 * 60.0), instance="deaf")
    send(bot, beat(update_age_s=1.0), instance="hearing")

    assert not only_state(bot).deaf


def test_bot_that_does_not_tell_its_last_update_is_not_called_deaf(bot: int) -> None:
    put(every_minute(NOW - 3 * DAY, NOW - 20 * MINUTE, bot))
    send(bot, beat())

    assert not only_state(bot).deaf


@pytest.mark.parametrize("zone", [UTC, BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Chatham")])
def test_dashboard_equals_the_raw_messages(bot: int, zone: ZoneInfo) -> None:
    said = [
        Said(
            NOW - n * 7 * MINUTE - n % 3,
            direction="out" if n % 3 == 0 else "in",
            user_id=f"u{n % 11}",
            response_ms=n if n % 6 else None,
            wait_ms=2 * n if n % 4 else None,
            bot=bot,
        )
        for n in range(1, 2_200)
    ]
    put(said)

    board = plain(dashboard([bot], NOW, zone))

    last = [one for one in said if one.at >= NOW - DAY]
    before = [one for one in said if NOW - 2 * DAY <= one.at < NOW - DAY]
    assert (board["messages"]["last_24h"], board["messages"]["previous_24h"]) == (len(last), len(before))
    shown = board["messages"]["previous_hours"] + board["messages"]["hours"]
    assert len(shown) == 48
    per_hour = oracle.grouped(said, lambda one: oracle.label(one.at, zone, "hour"))
    for hour in shown:
        here = per_hour.get(oracle.label(moment(hour["at"]), zone, "hour"), [])
        ins = sum(one.direction == "in" for one in here)
        assert (hour["in"], hour["out"]) == (ins, len(here) - ins)
    assert oracle.label(moment(shown[-1]["at"]), zone, "hour") == oracle.label(NOW, zone, "hour")

    per_day = oracle.grouped(said, lambda one: oracle.label(one.at, zone, "day"))
    days = board["users"]["days"]
    assert [day["users"] for day in days] == [
        len(oracle.people(per_day[oracle.label(moment(day["at"]), zone, "day")])) for day in days
    ]
    assert len(days) == 7 and board["users"]["today"] == days[-1]["users"]
    assert board["users"]["now"] == len(oracle.people(one for one in said if one.at >= NOW - 30 * MINUTE))
    for name in ("response_ms", "wait_ms"):
        values = oracle.times(last, name)
        found = board[name]
        assert (found["count"], found["avg"]) == (len(values), oracle.average(values))
        assert found["previous_avg"] == oracle.average(oracle.times(before, name))
        assert found["p95"] == pytest.approx(oracle.percentile(values, 95), rel=0.01)


def moment(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


def test_dashboard_of_nothing_is_empty_and_unknown(bot: int) -> None:
    board = plain(dashboard([bot], NOW, UTC))

    assert board["health"]["status"] == "unknown"
    assert board["uptime_s"] is None
    assert board["users"]["now"] == 0
    assert {hour["in"] for hour in board["messages"]["hours"]} == {0}
    assert board["response_ms"] == dict.fromkeys(("avg", "p50", "p95", "p99", "previous_avg")) | {"count": 0}


def test_worst_indicator_is_the_health(bot: int) -> None:
    send(bot, beat(checks={"LLM": {"status": "ok"}, "Database": {"status": "warn"}}))

    health = plain(dashboard([bot], NOW, UTC))["health"]

    assert health["status"] == "warn"
    assert {one["key"]: one["status"] for one in health["indicators"]} == {
        "bot:alice-bot": "ok",
        "check:alice-bot:LLM": "ok",
        "check:alice-bot:Database": "warn",
        "database": "ok",
        "memory": "ok",
    }


def test_figures_count_today_and_this_week_in_the_zone(bot: int) -> None:
    midnight = to_ms(datetime(2024, 10, 28, tzinfo=BERLIN))  # a Monday
    put(
        [
            Said(midnight, user_id="today", bot=bot),
            Said(midnight - 1, user_id="sunday", bot=bot),
            Said(NOW - 10 * MINUTE, direction="out", response_ms=0, bot=bot),
            Said(NOW - 10 * MINUTE, direction="out", response_ms=5, bot=bot),
        ]
    )

    berlin, utc = plain(metrics([bot], NOW, BERLIN)), plain(metrics([bot], NOW, UTC))

    assert berlin["messages"] == {"total": 4, "last_hour": 2, "last_24h": 4, "avg_response_time": 2.5}
    assert berlin["users"] == {"total": 2, "active_today": 1, "active_this_week": 1}
    assert utc["users"] == {"total": 2, "active_today": 0, "active_this_week": 0}
    assert set(berlin["system"]) == {"memory_mb", "cpu_percent", "database_connections"}
    assert berlin["system"]["memory_mb"] > 1 and berlin["system"]["database_connections"] >= 1
    assert berlin["uptime"] >= 0


def test_quick_health_is_degraded_by_a_dependency_that_fails(bot: int) -> None:
    send(bot, beat(checks={"LLM": {"status": "fail", "message": "refused", "checked_at": NOW}}))

    found = plain(quick_health([bot], NOW))

    assert found["status"] == "degraded"
    assert found["checks"]["bots"] == {"status": "ok", "states": {"up": 1}, "deaf": []}
    assert found["checks"]["dependencies"] == {
        "LLM": {
            "status": "fail",
            "message": "refused",
            "checked_at": "2024-10-28T09:20:00.000Z",
            "latency_ms": None,
        }
    }


def test_same_check_of_two_bots_is_told_apart(bot: int) -> None:
    other: int = models.Bot.insert(name="bob-bot", created_at=0).execute()
    for one in (bot, other):
        send(one, beat(checks={"LLM": {"status": "ok"}}))

    found = plain(quick_health([bot, other], NOW))["checks"]["dependencies"]

    assert list(found) == ["alice-bot: LLM", "bob-bot: LLM"]


def test_nothing_is_said_of_bots_without_a_database() -> None:
    found = plain(no_database(NOW))

    assert found["status"] == "fail"
    assert found["checks"]["database"] == {"status": "fail", "latency_ms": None}
    assert found["checks"]["bots"]["states"] == {} and found["checks"]["dependencies"] == {}
