"""Which rules there are: a table of data. Each reads what it watches of a bot, a value for each subject."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..analytics.bots import BotState
from ..analytics.troubles import Hang
from .state import Limits

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")

ERRORS_WITHIN_S = 300


@dataclass(frozen=True)
class Facts:
    """What the rules look at: a bot's state, what hangs in it, and its errors of the last five minutes."""

    bot_id: int
    bot: BotState
    hanging: Sequence[Hang]
    errors: int


@dataclass(frozen=True)
class Reading:
    """None is not known. `message` and `details` say it to people, should it become an incident."""

    value: float | None
    message: str
    subject: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """Its `name` is for programs, its `title` for people."""

    name: str
    title: str
    severity: Severity
    limits: Limits
    read: Callable[[Facts], Iterable[Reading]]


def _late(facts: Facts) -> Iterable[Reading]:
    yield _of_state(facts, "late", "its heartbeat is late")


def _down(facts: Facts) -> Iterable[Reading]:
    yield _of_state(facts, "down", "no heartbeat any more")


def _of_state(facts: Facts, bad: str, message: str) -> Reading:
    bot = facts.bot
    value = None if bot.state == "never" else float(bot.state == bad)
    return Reading(value, message, details={"last_seen": bot.last_seen})


def _deaf(facts: Facts) -> Iterable[Reading]:
    """Only who is up can tell that nothing comes."""
    value = float(facts.bot.deaf) if facts.bot.state == "up" else None
    yield Reading(value, "up, but gets no messages any more")


def _failing(facts: Facts) -> Iterable[Reading]:
    for name, check in facts.bot.checks.items():
        value = None if check.status == "unknown" else float(check.status == "fail")
        details = {"instances": check.instances, "failing": check.failing, "latency_ms": check.latency_ms}
        yield Reading(value, check.message or "fails", name, details)


def _hanging(facts: Facts) -> Iterable[Reading]:
    longest = max(facts.hanging, key=lambda hang: hang.blocked_ms, default=None)
    if longest is None:
        yield Reading(0, "")
        return
    where = f"{longest.what or 'something'} hangs at {longest.place or 'a place unknown'}"
    details = {"instance": longest.instance, "function": longest.function, "since": longest.since}
    yield Reading(len(facts.hanging), where, details=details)


def _failed(facts: Facts) -> Iterable[Reading]:
    message = f"{facts.errors} errors within {ERRORS_WITHIN_S // 60} minutes"
    yield Reading(facts.errors, message, details={"errors": facts.errors})


RULES = (
    # Down is judged at a minute of silence; agents need the rest to come back after the collector was away.
    Rule("bot_down", "Bot is down", "high", Limits(fires_after_s=45, clears_after_s=30), _down),
    Rule("bot_late", "Heartbeat is late", "medium", Limits(fires_after_s=15, clears_after_s=30), _late),
    Rule("bot_deaf", "Bot gets nothing", "high", Limits(fires_after_s=60), _deaf),
    Rule("check_failing", "Dependency fails", "high", Limits(fires_after_s=60), _failing),
    Rule("bot_hanging", "Something hangs", "high", Limits(fires_after_s=15), _hanging),
    Rule("error_burst", "Many errors", "medium", Limits(above=9, clear_below=4), _failed),
)

BY_NAME = {rule.name: rule for rule in RULES}
