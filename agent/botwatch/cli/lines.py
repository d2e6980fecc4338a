"""How `botwatch tail` words each event: in one line, in which nobody's text can command a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .terminal import harmless, paint

Data = dict[str, Any]

_BAD = {"warning": "yellow", "error": "red", "critical": "red", "warn": "yellow", "fail": "red"}
_STATUSES = {"online": "green", "away": "yellow", "busy": "red", "dnd": "red", "offline": "dim"}


def line(event: str, data: Data) -> str | None:
    """None for an event that this version has no words for."""
    words = _WORDS.get(event)
    if words is None:
        return None
    parts = [_dim(_clock(data["timestamp"])), _word(data, "bot") or "collector", *words(data)]
    return "  ".join(part for part in parts if part)


def _message(message: Data) -> list[str]:
    is_in = message["direction"] == "in"
    who = ("from " if is_in else "to ") + _who(message)
    return [
        _dim(_word(message, "channel")),
        paint(who, "cyan" if is_in else "green", sys.stdout),
        _word(message, "message_text"),
        _dim(_times(message)),
    ]


def _activity(activity: Data) -> list[str]:
    entity = " ".join(filter(None, (_word(activity, "entity_type"), _word(activity, "entity_id"))))
    took = activity.get("duration_ms")
    return [
        _coloured(_word(activity, "severity"), _BAD),
        f"{_word(activity, 'category')}: {_word(activity, 'action')}",
        entity,
        _word(activity, "status"),
        _dim("" if took is None else f"took {took} ms"),
    ]


def _presence(presence: Data) -> list[str]:
    if not presence.get("show_status", True):
        return [_who(presence), _dim("shows no status")]
    page = _word(presence, "current_page")
    return [
        f"{_who(presence)} is {_coloured(_word(presence, 'online_status'), _STATUSES)}",
        _word(presence, "custom_message"),
        _dim(f"on {page}" if page else ""),
    ]


def _typing(typing: Data) -> list[str]:
    return [_dim(f"{_who(typing)} {'is typing' if typing.get('typing') else 'stopped typing'}")]


def _alert(alert: Data) -> list[str]:
    is_over = alert.get("resolved_at") is not None
    by = _word(alert, "resolved_by")
    state = f"resolved by {by or 'itself'}" if is_over else _word(alert, "severity")
    return [
        paint(state, "green" if is_over else "red", sys.stdout),
        " ".join(filter(None, (_word(alert, "rule"), _word(alert, "subject")))),
        _word(alert, "message"),
    ]


def _health(health: Data) -> list[str]:
    wrong = [one for one in health.get("indicators") or () if one.get("status") in _BAD]
    told = (f"{_word(one, 'name')}: {_word(one, 'message')}" for one in wrong)
    return [_coloured(_word(health, "status"), _BAD), ", ".join(told)]


def _metrics(metrics: Data) -> list[str]:
    figures = [
        f"{harmless(name)} {harmless(str(value))}"
        for group in ("messages", "users", "system")
        for name, value in _named(group, metrics.get(group))
    ]
    return [_dim(", ".join(figures))]


def _named(group: str, figures: Any) -> list[tuple[str, Any]]:
    return [(f"{group}.{name}", value) for name, value in (figures or {}).items() if value is not None]


_WORDS: dict[str, Callable[[Data], list[str]]] = {
    "message:new": _message,
    "activity:new": _activity,
    "presenceUpdate": _presence,
    "user_typing": _typing,
    "alert:new": _alert,
    "alert:resolved": _alert,
    "health:changed": _health,
    "metrics:update": _metrics,
}


def _clock(timestamp: str) -> str:
    moment = datetime.fromisoformat(timestamp).astimezone()
    is_today = moment.date() == datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def _who(data: Data) -> str:
    return _word(data, "user_name") or _word(data, "user_id") or "nobody"


def _times(message: Data) -> str:
    told = (("response_time", "answered in {} ms"), ("wait_ms", "waited {} ms"))
    return ", ".join(words.format(message[name]) for name, words in told if message.get(name) is not None)


def _word(data: Data, name: str) -> str:
    value = data.get(name)
    return "" if value is None else harmless(str(value))


def _coloured(word: str, colours: dict[str, str]) -> str:
    return paint(word, colours[word], sys.stdout) if word in colours else word


def _dim(text: str) -> str:
    return paint(text, "dim", sys.stdout) if text else ""
