"""Errors, hangs and activities: what the collector makes of them."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from botwatch_collector import models
from botwatch_collector.analytics.activities import Cursor, activities
from botwatch_collector.analytics.bots import bot_states
from botwatch_collector.analytics.dashboard import dashboard
from botwatch_collector.analytics.service import quick_health
from botwatch_collector.analytics.troubles import MOST_SHOWN, ErrorKind, Hang, errors, hangs
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, MINUTE, iso
from botwatch_collector.errors import InvalidParameter
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header
from botwatch_collector.metrics import exposition

NOW = 1_790_000_000_000
EVER = Window(0, NOW + 1)
_ids = iter(range(1, 1_000_000))


@pytest.fixture
def bots(database: None) -> list[int]:
    return [models.Bot.insert(name=name, created_at=0).execute() for name in ("news", "shop")]


def send(bot: int, *events: dict[str, Any], instance: str = "one", at: int = NOW) -> None:
    numbered = [{"ts": at, "id": str(next(_ids))} | event for event in events]
    header = Header(v=1, instance=instance, host=f"host-{instance}", pid=7)
    store([Incoming(bot, Batch(header, msgspec.convert(numbered, list[AnyEvent])), at)])


def error(line: int = 1, **fields: Any) -> dict[str, Any]:
    details = {"place": f"bot.py:{line}", "message": f"KeyError: {line}", "stack": ["bot.py:1 in a", "b"]}
    return {
        "kind": "activity",
        "action": "KeyError",
        "category": "error",
        "severity": "error",
        "status": "failure",
        "entity_type": "handler",
        "entity_id": "bot:order",
        "details": details,
    } | fields


def hang(status: str, since: int, blocked_ms: int, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "activity",
        "action": "blocked",
        "category": "performance",
        "severity": "warning",
        "status": status,
        "entity_type": "event_loop",
        "entity_id": "bot:nap",
        "duration_ms": blocked_ms,
        "details": {"since": since, "blocked_ms": blocked_ms, "place": "bot.py:9", "stack": ["x"]},
    } | fields


def beat(**checks: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "heartbeat", "interval_s": 15.0, "checks": checks}


def hangs_now(bots: list[int], now: int = NOW) -> list[Hang]:
    return hangs(bots, bot_states(bots, now), now)


def test_errors_are_told_by_type_and_place(bots: list[int]) -> None:
    send(bots[0], error(1), at=NOW - 3 * HOUR)
    send(bots[0], error(2), at=NOW - 2 * HOUR - 1)
    send(bots[0], error(2, action="ValueError"), at=NOW - 2 * HOUR)
    send(bots[1], error(1), at=NOW - HOUR)
    send(bots[0], error(1, details={"place": "bot.py:1", "message": "latest"}), at=NOW)

    found = errors(bots, NOW)

    assert [(kind.bot, kind.type, kind.place, kind.count) for kind in found] == [
        ("news", "KeyError", "bot.py:1", 2),
        ("shop", "KeyError", "bot.py:1", 1),
        ("news", "ValueError", "bot.py:2", 1),
        ("news", "KeyError", "bot.py:2", 1),
    ]
    assert found[0] == ErrorKind(
        "news", "KeyError", "bot.py:1", 2, iso(NOW - 3 * HOUR), iso(NOW), "bot:order", "latest", []
    )


def test_errors_of_others_and_of_yesterday_are_left_out(bots: list[int]) -> None:
    send(bots[0], error(), at=NOW - DAY)
    send(bots[1], error())
    send(bots[0], error(category="other"))

    assert errors([bots[0]], NOW) == []
    assert errors([], NOW) == []


def test_many_kinds_of_errors_are_cut(bots: list[int]) -> None:
    send(bots[0], *(error(line, ts=NOW - line) for line in range(50)))

    found = errors(bots, NOW)

    assert [kind.place for kind in found] == [f"bot.py:{line}" for line in range(MOST_SHOWN)]


@pytest.mark.parametrize(
    "details", [None, {}, {"place": 5, "message": ["x"], "stack": "deep"}, {"stack": [1, "a", None]}]
)
def test_details_may_hold_anything(bots: list[int], details: Any) -> None:
    send(bots[0], error(details=details), hang("hanging", 0, 1, details=details))

    (kind,), (one,) = errors(bots, NOW), hangs_now(bots)
    assert (kind.count, kind.message) == (1, None)
    assert one.since == iso(NOW - 1)


def test_hang_is_one_whether_it_lasts_or_is_over(bots: list[int]) -> None:
    send(bots[0], beat(), hang("hanging", NOW - 2_000, 2_000))

    (lasting,) = hangs_now(bots)
    assert lasting == Hang(
        "news",
        "one",
        "host-one",
        7,
        "event_loop",
        "hanging",
        "bot.py:9",
        "bot:nap",
        iso(NOW - 2_000),
        2_000,
        ["x"],
    )

    send(bots[0], hang("over", NOW - 2_000, 15_000))
    (ended,) = hangs_now(bots)
    assert (ended.state, ended.blocked_ms) == ("over", 15_000)


def test_hang_whose_instance_went_is_lost(bots: list[int]) -> None:
    send(bots[0], beat(), hang("hanging", NOW - 2_000, 2_000))

    (one,) = hangs_now(bots, NOW + HOUR)
    assert one.state == "lost"


def test_hangs_of_two_instances_are_two(bots: list[int]) -> None:
    send(bots[0], hang("over", NOW, 1))
    send(bots[0], hang("over", NOW, 1), instance="two")

    assert len(hangs_now(bots)) == 2


def test_worst_answer_of_the_live_instances_counts(bots: list[int]) -> None:
    failed = {"status": "fail", "message": "refused", "checked_at": NOW}
    send(bots[0], beat(db=failed), instance="sick")
    send(bots[0], beat(db={"status": "ok"}), instance="well")
    send(bots[0], beat(db=failed), instance="gone", at=NOW - HOUR)

    (state, _) = bot_states(bots, NOW)
    assert (state.checks["db"].status, state.checks["db"].message) == ("fail", "refused")
    assert (state.checks["db"].failing, state.checks["db"].instances) == (1, 2)
    found = quick_health(bots, NOW)
    assert found.checks.dependencies["db"].status == "fail"
    assert found.status == "degraded"


def test_dashboard_tells_of_troubles(bots: list[int]) -> None:
    send(bots[0], error(), hang("over", NOW - 5, 5))

    board = dashboard(bots, NOW, ZoneInfo("UTC"))
    assert ([kind.type for kind in board.errors], [one.place for one in board.hangs]) == (
        ["KeyError"],
        ["bot.py:9"],
    )


def scraped(bots: list[int], now: int = NOW) -> list[str]:
    names = dict(zip(bots, ("news", "shop"), strict=True))
    text = exposition(names, now, "", whole=False)[0].decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_metrics_count_troubles_once(bots: list[int]) -> None:
    send(bots[0], error(), error(), hang("hanging", NOW, 1), hang("over", NOW, 1))
    send(bots[0], error(category="other"))

    found = scraped(bots)
    assert 'botwatch_errors_total{bot="news"} 2.0' in found
    assert 'botwatch_errors_total{bot="shop"} 0.0' in found
    assert 'botwatch_hangs_total{bot="news"} 1.0' in found


def test_metrics_tell_checks_up_to_a_limit(bots: list[int]) -> None:
    send(bots[0], beat(db={"status": "fail", "latency_ms": 250}, llm={"status": "ok"}))
    for instance in ("a", "b"):
        send(bots[1], beat(**{f"{instance}{n:02}": {"status": "ok"} for n in range(32)}), instance=instance)

    found = scraped(bots)
    assert 'botwatch_check_ok{bot="news",check="db"} 0.0' in found
    assert 'botwatch_check_ok{bot="news",check="llm"} 1.0' in found
    assert 'botwatch_check_latency_seconds{bot="news",check="db"} 0.25' in found
    assert sum(line.startswith('botwatch_check_ok{bot="shop"') for line in found) == 32
    assert not any(line.startswith("botwatch_check") for line in scraped(bots, NOW + HOUR))


def test_pages_of_activities_join_without_gap_or_overlap(bots: list[int]) -> None:
    for number in range(25):
        send(bots[number % 2], error(number), at=NOW - number // 4 * MINUTE)

    told, cursor = [], None
    while True:
        page = activities(bots, EVER, {}, 4, cursor)
        told += page.activities
        if page.next is None:
            break
        cursor = Cursor.read(page.next)

    assert len({one.id for one in told}) == len(told) == 25
    assert [(one.timestamp, one.id) for one in told] == sorted(
        ((one.timestamp, one.id) for one in told), reverse=True
    )


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 3),
        ({"category": "error"}, 2),
        ({"category": "error", "severity": "critical"}, 1),
        ({"status": "over"}, 1),
        ({"action": "blocked"}, 1),
        ({"user": "42"}, 1),
        ({"entity_type": "handler", "entity": "bot:order"}, 2),
        ({"entity": "'; DROP TABLE activity; --"}, 0),
    ],
)
def test_activities_are_filtered(bots: list[int], wanted: dict[str, str], count: int) -> None:
    send(bots[0], error(user_id="42"), error(severity="critical"), hang("over", NOW, 1))

    assert len(activities(bots, EVER, wanted, 100).activities) == count


def test_every_field_of_an_activity_is_told(bots: list[int]) -> None:
    send(bots[0], error(user_id="42", duration_ms=3), at=NOW)

    (one,) = activities(bots, EVER, {}, 1).activities
    sent = error(user_id="42", duration_ms=3)
    del sent["kind"]
    assert msgspec.to_builtins(one) == sent | {
        "id": one.id,
        "timestamp": iso(NOW),
        "received_at": iso(NOW),
        "bot": "news",
        "instance": "one",
    }


@pytest.mark.parametrize("text", ["x", "e30", "WzAsMSwyXQ", "WzEsMCwwLDBd", "-"])
def test_strange_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        Cursor.read(text)
