"""The short answers for scripts: a few figures, and whether all is well."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from peewee import fn

from ..clock import DAY, HOUR, iso
from ..models import BotUser
from .bots import BotState, CheckState, bot_states
from .counts import counts
from .dashboard import this_week, today
from .health import Status, bots_status, database_indicator, memory_indicator, worst
from .people import users
from .system import System, system, uptime_s
from .window import Window

_ALL_TIME = Window(0, 3_000_000 * DAY)


class MessageFigures(msgspec.Struct, frozen=True):
    """`total` and `avg_response_time` (milliseconds; null before the first) are of all time."""

    total: int
    last_hour: int
    last_24h: int
    avg_response_time: float | None


class UserFigures(msgspec.Struct, frozen=True):
    """People who wrote: ever, since midnight, since Monday."""

    total: int
    active_today: int
    active_this_week: int


class Metrics(msgspec.Struct, frozen=True):
    """`uptime` (seconds) and `system` are the collector's own."""

    timestamp: str
    uptime: float
    messages: MessageFigures
    users: UserFigures
    system: System


class DatabaseCheck(msgspec.Struct, frozen=True):
    """`latency_ms` is null when the database doesn't answer."""

    status: Status
    latency_ms: float | None


class MemoryCheck(msgspec.Struct, frozen=True):
    """Of the container or machine that the collector runs in."""

    status: Status
    used_percent: float
    free_mb: float


class BotsCheck(msgspec.Struct, frozen=True):
    """How many bots are in which state."""

    status: Status
    states: dict[str, int]
    deaf: list[str]


class Dependency(msgspec.Struct, frozen=True):
    """What a bot says of a service that it needs."""

    status: Status
    message: str | None
    checked_at: str | None
    latency_ms: float | None


class Checks(msgspec.Struct, frozen=True):
    """Dependencies go by the name of their check, with the bot's before it where several bots have it."""

    database: DatabaseCheck
    memory: MemoryCheck
    bots: BotsCheck
    dependencies: dict[str, Dependency]


class QuickHealth(msgspec.Struct, frozen=True):
    """`fail` when the database or memory fails; `degraded` when anything else warns or fails."""

    status: Literal["ok", "degraded", "fail"]
    timestamp: str
    checks: Checks


def metrics(bots: Sequence[int], now: int, zone: ZoneInfo) -> Metrics:
    """Figures of the bots, and of the collector."""
    return Metrics(iso(now), uptime_s(), message_figures(bots, now), user_figures(bots, now, zone), system())


def message_figures(bots: Sequence[int], now: int) -> MessageFigures:
    ever = counts(bots, _ALL_TIME)
    return MessageFigures(
        ever.total,
        counts(bots, Window(now - HOUR, now)).total,
        counts(bots, Window(now - DAY, now)).total,
        ever.response_avg_ms,
    )


def user_figures(bots: Sequence[int], now: int, zone: ZoneInfo) -> UserFigures:
    return UserFigures(_all_users(bots), users(bots, today(now, zone)), users(bots, this_week(now, zone)))


def quick_health(bots: Sequence[int], now: int) -> QuickHealth:
    """Some short looks into the database; raises what Peewee raises when it doesn't answer."""
    database = database_indicator(now)
    states = bot_states(bots, now)
    return _summary(
        now,
        DatabaseCheck(database.status, database.details["latency_ms"]),
        BotsCheck(
            bots_status(states),
            dict(Counter(bot.state for bot in states)),
            [bot.name for bot in states if bot.deaf],
        ),
        dependencies(states),
    )


def no_database(now: int) -> QuickHealth:
    """What is left to say when the database doesn't answer."""
    return _summary(now, DatabaseCheck("fail", None), BotsCheck("unknown", {}, []), {})


def dependencies(bots: Sequence[BotState]) -> dict[str, Dependency]:
    """The newest result of each check of each bot."""
    times = Counter(name for bot in bots for name in bot.checks)
    return {
        name if times[name] == 1 else f"{bot.name}: {name}": _dependency(check)
        for bot in bots
        for name, check in bot.checks.items()
    }


def _summary(now: int, database: DatabaseCheck, bots: BotsCheck, found: dict[str, Dependency]) -> QuickHealth:
    look = memory_indicator(now)
    memory = MemoryCheck(look.status, look.details["used_percent"], look.details["free_mb"])
    everything = worst([database.status, memory.status, bots.status, *(one.status for one in found.values())])
    status: Literal["ok", "degraded", "fail"] = "ok" if everything in ("ok", "unknown") else "degraded"
    if "fail" in (database.status, memory.status):
        status = "fail"
    return QuickHealth(status, iso(now), Checks(database, memory, bots, found))


def _dependency(check: CheckState) -> Dependency:
    return Dependency(check.status, check.message, check.checked_at, check.latency_ms)


def _all_users(bots: Sequence[int]) -> int:
    if not bots:
        return 0
    query = BotUser.select(fn.COUNT(fn.DISTINCT(BotUser.user_id))).where(BotUser.bot_id.in_(bots))
    return int(query.scalar())
