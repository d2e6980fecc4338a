"""Whether each bot is there: its state, its instances, and the checks that it reports.

The collector's own clock decides, by when a heartbeat came; the bot's clock may be wrong.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..clock import DAY, iso
from ..models import Bot, Heartbeat, Instance, Sample
from . import deafness, pinging
from .beats import State, state_of

CheckStatus = Literal["ok", "warn", "fail", "unknown"]

_SHOWN_MS = DAY
_MEBIBYTE = 1 << 20
_READINGS = (
    "cpu_percent",
    "cpu_limit",
    "threads",
    "fds",
    "loop_lag_ms",
    "gc_collections",
    "db_connections",
)
_WORST_FIRST = ("fail", "warn", "unknown", "ok")


class InstanceState(msgspec.Struct, frozen=True, kw_only=True):
    """One process of a bot. What it didn't report is null."""

    id: int
    name: str
    host: str | None
    pid: int | None
    state: State
    last_seen: str
    uptime_s: float | None
    version: str | None
    agent: str | None
    cpu_percent: float | None
    memory_mb: float | None
    memory_limit_mb: float | None
    cpu_limit: float | None
    threads: int | None
    fds: int | None
    gc_collections: int | None
    db_connections: int | None
    loop_lag_ms: float | None
    update_age_s: float | None
    skew_ms: int | None
    queue_events: int | None
    queue_age_s: float | None
    queue_place: str | None
    sent_per_s: float | None
    errors: int | None
    agent_cpu_percent: float | None
    losses: int


class CheckState(msgspec.Struct, frozen=True):
    """What a dependency of the bot answered last; unknown once the bot itself is silent.

    Of several instances that ask, it is what the worst-off was answered; `failing` of `instances` are not ok.
    """

    status: CheckStatus
    message: str | None
    latency_ms: float | None
    checked_at: str | None
    instances: int = 1
    failing: int = 0


class BotState(msgspec.Struct, frozen=True, kw_only=True):
    """A bot is what the best of its processes is, or of its jobs if it has no process.

    Deaf is one that is up and gets no updates any more.
    """

    name: str
    state: State
    deaf: bool
    last_seen: str | None
    uptime_s: float | None
    instances: list[InstanceState]
    checks: dict[str, CheckState]


def bot_states(bots: Sequence[int], now: int) -> list[BotState]:
    """By name. Instances are those seen in the last day, each bot's latest, and its jobs; newest first."""
    if not bots:
        return []
    heartbeats = _latest(Heartbeat, bots, now)
    samples = _latest(Sample, bots, now)
    instances = defaultdict(list)
    for row in _shown(bots, now):
        key = (row.bot_id, row.id)
        instances[row.bot_id].append((row, heartbeats.get(key), samples.get(key)))
    named: Any = Bot.select().where(Bot.id.in_(bots)).order_by(Bot.name)
    return [_bot(bot, instances[bot.id], now) for bot in named]


def _bot(bot: Bot, found: list[tuple[Instance, Heartbeat | None, Sample | None]], now: int) -> BotState:
    instances = [_instance(row, heartbeat, sample, now) for row, heartbeat, sample in found]
    heard = sorted((beat for _, beat, _ in found if beat), key=lambda beat: beat.id, reverse=True)
    # Jobs tell of the bot's state only where there is nothing else: a backup is no bot that answers.
    telling = [beat for beat in heard if not pinging.is_of_job(beat)] or heard
    states = {state_of(beat, now) for beat in telling}
    newest = state_of(telling[0], now) if telling else "never"
    state: State = "up" if "up" in states else "late" if "late" in states else newest
    up = [beat for beat in heard if state_of(beat, now) == "up"]
    return BotState(
        name=bot.name,
        state=state,
        deaf=deafness.is_deaf(bot.id, up, now),
        last_seen=iso(max(row.last_seen_at for row, *_ in found)) if found else None,
        uptime_s=max((one.uptime_s for one in instances if one.uptime_s is not None), default=None),
        instances=instances,
        checks=_checks(heard, now),
    )


def _instance(row: Instance, heartbeat: Heartbeat | None, sample: Sample | None, now: int) -> InstanceState:
    details = heartbeat.details if heartbeat else {}
    state = state_of(heartbeat, now)
    spool = details.get("spool", {})
    return InstanceState(
        id=row.id,
        name=row.name,
        host=row.host,
        pid=row.pid,
        state=state,
        last_seen=iso(row.last_seen_at),
        uptime_s=_grown(heartbeat, "uptime_s", now) if state in ("up", "late") else None,
        version=details.get("version"),
        agent=details.get("agent") or row.agent,
        **{name: getattr(sample, name, None) for name in _READINGS},
        memory_mb=_mebibytes(sample, "memory_bytes"),
        memory_limit_mb=_mebibytes(sample, "memory_limit_bytes"),
        update_age_s=_grown(heartbeat, "update_age_s", now),
        skew_ms=row.skew_ms,
        queue_events=spool.get("events"),
        queue_age_s=spool.get("oldest_age_s"),
        queue_place=spool.get("place"),
        sent_per_s=details.get("sent_per_s"),
        errors=details.get("errors"),
        agent_cpu_percent=_cost(heartbeat),
        losses=sum(details.get("losses", {}).values()),
    )


def _mebibytes(sample: Sample | None, name: str) -> float | None:
    size_bytes: int | None = getattr(sample, name, None)
    return None if size_bytes is None else round(size_bytes / _MEBIBYTE, 1)


def _cost(heartbeat: Heartbeat | None) -> float | None:
    """What the agent's own threads use, in percent of one CPU since its start."""
    if heartbeat is None or not heartbeat.uptime_s or "cpu_s" not in heartbeat.details:
        return None
    return round(100 * float(heartbeat.details["cpu_s"]) / heartbeat.uptime_s, 3)


def _grown(heartbeat: Heartbeat | None, name: str, now: int) -> float | None:
    """An age as it is now, not as it was when it was sent."""
    age: float | None = getattr(heartbeat, name, None)
    if age is None or heartbeat is None:
        return None
    return round(age + max(now - heartbeat.received_at, 0) / 1_000, 3)


def _checks(newest_first: list[Heartbeat], now: int) -> dict[str, CheckState]:
    current: dict[str, list[Any]] = defaultdict(list)
    past: dict[str, list[Any]] = {}
    for heartbeat in newest_first:
        state = state_of(heartbeat, now)
        for name, check in heartbeat.details.get("checks", {}).items():
            if pinging.is_of_job(heartbeat):
                current[name].append(pinging.overdue(heartbeat, state, check))
            elif state in ("up", "late"):
                current[name].append(check)
            else:
                past.setdefault(name, [check | {"status": "unknown"}])
    return {name: _check(answers) for name, answers in sorted((past | current).items())}


def _check(answers: list[dict[str, Any]]) -> CheckState:
    worst = min(answers, key=lambda check: _WORST_FIRST.index(check["status"]))
    checked_at = worst.get("checked_at")
    return CheckState(
        worst["status"],
        worst.get("message"),
        worst.get("latency_ms"),
        None if checked_at is None else iso(checked_at),
        instances=len(answers),
        failing=sum(check["status"] in ("fail", "warn") for check in answers),
    )


def _shown(bots: Sequence[int], now: int) -> Any:
    other = Instance.alias()
    newest = other.select(other.id).where(other.bot_id == Instance.bot_id, pinging.is_process(other))
    newest = newest.order_by(other.last_seen_at.desc(), other.id.desc()).limit(1)
    is_recent = (Instance.last_seen_at > now - _SHOWN_MS) | (Instance.id == newest)
    is_shown = (pinging.is_process(Instance) & is_recent) | pinging.is_job(Instance, bots)
    return (
        Instance.select()
        .where(Instance.bot_id.in_(bots), is_shown)
        .order_by(Instance.last_seen_at.desc(), Instance.id.desc())
    )


def _latest(
    table: type[Heartbeat] | type[Sample], bots: Sequence[int], now: int
) -> dict[tuple[int, int], Any]:
    """The newest row of each instance, found by one step into the index for each."""
    by = table.id if table is Heartbeat else table.occurred_at
    newest = table.select(table.id).where(table.bot_id == Instance.bot_id, table.instance_id == Instance.id)
    shown = _shown(bots, now).select(newest.order_by(by.desc()).limit(1)).order_by()
    rows: Any = table.select().where(table.bot_id.in_(bots), table.id.in_(shown))
    return {(row.bot_id, row.instance_id): row for row in rows}
