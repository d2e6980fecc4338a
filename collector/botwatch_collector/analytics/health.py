"""Whether all is well, as a few named indicators."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from .. import damage, db
from ..clock import iso
from .bots import BotState, CheckState
from .system import memory

Status = Literal["ok", "warn", "fail", "unknown"]

_WORST_FIRST: tuple[Status, ...] = ("fail", "warn", "unknown", "ok")
_OF_STATE: dict[str, Status] = {
    "up": "ok",
    "late": "warn",
    "down": "fail",
    "stopped": "warn",
    "never": "unknown",
}
_SLOW_MS = 100
_MEMORY_WARN, _MEMORY_FAIL = 90, 98


class Indicator(msgspec.Struct, frozen=True):
    """One thing that can be well or not. `details` is for who looks closer."""

    key: str
    name: str
    status: Status
    message: str
    checked_at: str | None
    details: dict[str, Any]


class Health(msgspec.Struct, frozen=True):
    """`status` is the worst of the indicators; unknown is worse than ok."""

    status: Status
    indicators: list[Indicator]


def worst(statuses: Iterable[Status]) -> Status:
    """What they are together; ok if there are none."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), "ok")


def health(bots: Sequence[BotState], now: int) -> Health:
    """The bots, what they depend on, and the collector's own database and memory."""
    indicators = [_bot(bot) for bot in bots]
    indicators += [one for bot in bots for one in _checks(bot)]
    return _together([*indicators, *_own(now)])


def bot_health(bot: BotState) -> Health:
    """One bot and what it depends on."""
    return _together([_bot(bot), *_checks(bot)])


def collector_health(now: int) -> Health:
    """The collector's own database and memory."""
    return _together(_own(now))


def database_indicator(now: int) -> Indicator:
    """Asks the database; raises what Peewee raises when it doesn't answer."""
    started = time.perf_counter()
    db.database.execute_sql("SELECT 1").fetchone()
    latency_ms = round(1_000 * (time.perf_counter() - started), 3)
    status: Status = "ok" if latency_ms <= _SLOW_MS else "warn"
    message = f"answers in {latency_ms:.1f} ms"
    if damage.found() is not None:
        status, message = "fail", "its file is damaged: no event is stored"
    return Indicator(
        "database",
        "Database",
        status,
        message,
        iso(now),
        {"latency_ms": latency_ms, "kind": db.dialect()},
    )


def memory_indicator(now: int) -> Indicator:
    """Of the container or machine that the collector runs in."""
    found = memory()
    used = found.used_percent
    status: Status = "fail" if used >= _MEMORY_FAIL else "warn" if used >= _MEMORY_WARN else "ok"
    return Indicator(
        "memory",
        "Memory",
        status,
        f"{used:.0f} % used, {found.free_mb:,.0f} MB free",
        iso(now),
        {"used_percent": used, "free_mb": found.free_mb},
    )


def bots_status(bots: Sequence[BotState]) -> Status:
    """All bots together."""
    return worst(_bot(bot).status for bot in bots)


def _bot(bot: BotState) -> Indicator:
    status: Status = "warn" if bot.deaf else _OF_STATE[bot.state]
    return Indicator(
        f"bot:{bot.name}",
        bot.name,
        status,
        "up, but gets no messages any more" if bot.deaf else _MESSAGES[bot.state],
        bot.last_seen,
        {
            "state": bot.state,
            "deaf": bot.deaf,
            "uptime_s": bot.uptime_s,
            "instances": dict(Counter(one.state for one in bot.instances)),
        },
    )


_MESSAGES = {
    "up": "up",
    "late": "its heartbeat is late",
    "down": "no heartbeat any more",
    "stopped": "was stopped",
    "never": "has never reported",
}


def _together(indicators: list[Indicator]) -> Health:
    return Health(worst(one.status for one in indicators), indicators)


def _own(now: int) -> list[Indicator]:
    return [database_indicator(now), memory_indicator(now)]


def _checks(bot: BotState) -> list[Indicator]:
    return [_check(bot, name, check) for name, check in bot.checks.items()]


def _check(bot: BotState, name: str, check: CheckState) -> Indicator:
    return Indicator(
        f"check:{bot.name}:{name}",
        name,
        check.status,
        check.message or check.status,
        check.checked_at,
        {
            "bot": bot.name,
            "latency_ms": check.latency_ms,
            "instances": check.instances,
            "failing": check.failing,
        },
    )
