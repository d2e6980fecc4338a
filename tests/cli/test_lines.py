"""How `botwatch tail` words what the stream tells, whoever wrote it."""

from typing import Any

import pytest

from botwatch.cli.lines import line

AT = {"bot": "shop", "timestamp": "2026-11-23T08:00:00.123Z"}
ALICE = AT | {"user_id": "42", "user_name": "Alice"}
EVENTS: list[tuple[str, dict[str, Any], str]] = [
    (
        "message:new",
        ALICE | {"direction": "in", "message_text": "hello", "channel": "telegram"},
        "shop  telegram  from Alice  hello",
    ),
    (
        "activity:new",
        AT
        | {"category": "error", "action": "ValueError", "severity": "error", "status": "failure"}
        | {"entity_type": "handler", "entity_id": "bot:order", "duration_ms": 12},
        "shop  error  error: ValueError  handler bot:order  failure  took 12 ms",
    ),
    (
        "presenceUpdate",
        ALICE | {"online_status": "busy", "custom_message": "at lunch", "current_page": "/menu"},
        "shop  Alice is busy  at lunch  on /menu",
    ),
    ("presenceUpdate", AT | {"user_id": "42", "show_status": False}, "shop  42  shows no status"),
    ("user_typing", ALICE | {"typing": True}, "shop  Alice is typing"),
    ("user_typing", ALICE | {"typing": False}, "shop  Alice stopped typing"),
    (
        "alert:new",
        AT | {"rule": "check_failing", "subject": "db", "severity": "high", "message": "refused"},
        "shop  high  check_failing db  refused",
    ),
    (
        "alert:resolved",
        AT
        | {"rule": "bot_down", "subject": "", "severity": "high", "message": "no heartbeat any more"}
        | {"resolved_at": "2026-11-23T08:00:00.123Z", "resolved_by": "olga"},
        "shop  resolved by olga  bot_down  no heartbeat any more",
    ),
    (
        "health:changed",
        AT
        | {"bot": None, "status": "fail"}
        | {
            "indicators": [{"name": "db", "status": "fail", "message": "down"}, {"name": "x", "status": "ok"}]
        },
        "collector  fail  db: down",
    ),
    (
        "metrics:update",
        AT | {"users": {"active_today": 3}, "system": {"cpu_percent": None}},
        "shop  users.active_today 3",
    ),
]


def worded(event: str, data: dict[str, Any]) -> str:
    found = line(event, data)
    assert found is not None
    return found.partition("  ")[2]


@pytest.mark.parametrize(("event", "data", "words"), EVENTS)
def test_event_is_one_line(event: str, data: dict[str, Any], words: str) -> None:
    assert worded(event, data) == words


@pytest.mark.parametrize(("event", "data", "words"), EVENTS)
def test_no_text_of_an_event_commands_the_terminal(event: str, data: dict[str, Any], words: str) -> None:
    hostile = {name: f"{value}\x1b[31m\n\u202e" for name, value in data.items() if type(value) is str}
    shown = worded(event, data | hostile | {"timestamp": AT["timestamp"]})

    assert shown.replace("⏎", "").isprintable()
    assert "\\x1b[31m" in shown


def test_event_of_a_newer_collector_is_left_out() -> None:
    assert line("poll:opened", AT) is None
