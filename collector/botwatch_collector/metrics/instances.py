"""Readings of bots and their instances: whether they are there, what they use, what their agents lost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..analytics.beats import State, state_of
from ..analytics.bots import bot_states
from ..models import Heartbeat, Instance, Sample
from . import troubles
from .readings import Labels, Readings, Value

STATES: tuple[State, ...] = ("up", "late", "down", "stopped", "never")
_ALIVE = ("up", "late")

MOST_INSTANCES = 50
"""More of one bot are summed up as the instance "other", so that a restart loop can't flood Prometheus."""


@dataclass(frozen=True)
class _Live:
    """An instance that is up or late."""

    bot: str
    name: str
    heartbeat: Heartbeat
    sample: Sample | None


def read(bots: Mapping[int, str], now: int) -> Readings:
    """`bots` are names by id."""
    rows = _instances(bots)
    heartbeats = _newest(Heartbeat, Heartbeat.id, bots)
    live = _live(bots, rows, heartbeats, now)
    return {
        **_states(bots, now),
        **_resources(live),
        **_queues(live),
        "botwatch_heartbeat_age_seconds": _ages(bots, heartbeats.values(), now),
        "botwatch_agent_losses_total": _losses(bots, heartbeats.values()),
        "botwatch_agent_sent_total": _totals(bots, heartbeats.values(), "sent"),
        "botwatch_agent_errors_total": _totals(bots, heartbeats.values(), "errors"),
        "botwatch_agent_cpu_seconds_total": _totals(bots, heartbeats.values(), "cpu_s"),
    }


def _states(bots: Mapping[int, str], now: int) -> Readings:
    states = bot_states(list(bots), now)
    instances = {bot.name: Counter(one.state for one in bot.instances) for bot in states}
    return {
        "botwatch_bot_up": [((bot.name,), float(bot.state in _ALIVE)) for bot in states],
        "botwatch_bot_deaf": [((bot.name,), float(bot.deaf)) for bot in states],
        "botwatch_instances": [
            ((name, state), float(counts[state])) for name, counts in instances.items() for state in STATES
        ],
        **troubles.read(bots, states),
    }


def _ages(bots: Mapping[int, str], heartbeats: Iterable[Heartbeat], now: int) -> list[tuple[Labels, Value]]:
    last: dict[int, int] = {}
    for heartbeat in heartbeats:
        last[heartbeat.bot_id] = max(heartbeat.received_at, last.get(heartbeat.bot_id, 0))
    return [((bots[bot],), max(now - at, 0) / 1_000) for bot, at in last.items()]


def _losses(bots: Mapping[int, str], heartbeats: Iterable[Heartbeat]) -> list[tuple[Labels, Value]]:
    """An instance tells its losses so far; those of past instances stay in the sum."""
    losses: dict[Labels, float] = defaultdict(float)
    for heartbeat in heartbeats:
        for reason, count in heartbeat.details.get("losses", {}).items():
            losses[bots[heartbeat.bot_id], reason] += count
    return sorted(losses.items())


def _totals(bots: Mapping[int, str], heartbeats: Iterable[Heartbeat], key: str) -> list[tuple[Labels, Value]]:
    """What each instance has counted so far, past instances included."""
    totals: dict[Labels, float] = defaultdict(float)
    for heartbeat in heartbeats:
        if key in heartbeat.details:
            totals[bots[heartbeat.bot_id],] += heartbeat.details[key]
    return sorted(totals.items())


def _queues(live: Sequence[_Live]) -> Readings:
    spools = [(one.bot, one.heartbeat.details.get("spool", {})) for one in live]
    return {
        "botwatch_agent_queue_events": _combined(spools, "events", sum),
        "botwatch_agent_queue_bytes": _combined(spools, "bytes", sum),
        "botwatch_agent_queue_oldest_seconds": _combined(spools, "oldest_age_s", max),
    }


def _combined(
    spools: Iterable[tuple[str, Mapping[str, Any]]], key: str, combine: Callable[[Sequence[float]], float]
) -> list[tuple[Labels, Value]]:
    found: dict[str, list[float]] = defaultdict(list)
    for bot, spool in spools:
        if spool.get(key) is not None:
            found[bot].append(spool[key])
    return [((bot,), float(combine(values))) for bot, values in found.items()]


@dataclass(frozen=True)
class _Resource:
    """A column of the samples, how it becomes the metric's unit, and what many instances make together."""

    read: Callable[[Sample], float | None]
    scale: float = 1
    combine: Callable[[Sequence[float]], float] = sum


_RESOURCES = {
    "botwatch_instance_cpu_percent": _Resource(lambda sample: sample.cpu_percent),
    "botwatch_instance_memory_bytes": _Resource(lambda sample: sample.memory_bytes),
    "botwatch_instance_threads": _Resource(lambda sample: sample.threads),
    "botwatch_instance_fds": _Resource(lambda sample: sample.fds),
    "botwatch_instance_loop_lag_seconds": _Resource(lambda sample: sample.loop_lag_ms, 1 / 1_000, max),
    "botwatch_instance_update_age_seconds": _Resource(lambda sample: sample.update_age_s, 1, max),
    "botwatch_instance_db_connections": _Resource(lambda sample: sample.db_connections),
    "botwatch_instance_gc_collections": _Resource(lambda sample: sample.gc_collections),
    "botwatch_instance_memory_limit_bytes": _Resource(lambda sample: sample.memory_limit_bytes),
    "botwatch_instance_cpu_limit": _Resource(lambda sample: sample.cpu_limit),
}


def _resources(live: Sequence[_Live]) -> Readings:
    names = _shown_names(live)
    return {metric: _resource(resource, live, names) for metric, resource in _RESOURCES.items()}


def _resource(resource: _Resource, live: Sequence[_Live], names: Sequence[str]) -> list[tuple[Labels, Value]]:
    found: dict[Labels, list[float]] = defaultdict(list)
    for one, name in zip(live, names, strict=True):
        value = resource.read(one.sample) if one.sample else None
        if value is not None:
            found[one.bot, name].append(value * resource.scale)
    return [(labels, float(resource.combine(values))) for labels, values in found.items()]


def _shown_names(live: Sequence[_Live]) -> list[str]:
    shown: Counter[str] = Counter()
    names = []
    for one in live:
        shown[one.bot] += 1
        names.append(one.name if shown[one.bot] <= MOST_INSTANCES else "other")
    return names


def _live(
    bots: Mapping[int, str],
    rows: Mapping[tuple[int, int], str],
    heartbeats: Mapping[tuple[int, int], Heartbeat],
    now: int,
) -> list[_Live]:
    """Oldest instance first, so that a newcomer changes nobody's label."""
    alive = sorted(key for key, heartbeat in heartbeats.items() if state_of(heartbeat, now) in _ALIVE)
    samples = _newest(Sample, Sample.occurred_at, bots, [instance for _, instance in alive])
    return [_Live(bots[key[0]], rows[key], heartbeats[key], samples.get(key)) for key in alive if key in rows]


def _instances(bots: Mapping[int, str]) -> dict[tuple[int, int], str]:
    query: Any = Instance.select(Instance.bot_id, Instance.id, Instance.name)
    return {(bot, id_): name for bot, id_, name in query.where(Instance.bot_id.in_(list(bots))).tuples()}


def _newest(
    table: type[Heartbeat] | type[Sample],
    order: Any,
    bots: Mapping[int, str],
    instances: Sequence[int] | None = None,
) -> dict[tuple[int, int], Any]:
    """The newest row of each instance: a step into the index for each, however many rows it has."""
    newest: Any = (
        table.select(table.id)
        .where(table.bot_id == Instance.bot_id, table.instance_id == Instance.id)
        .order_by(order.desc())
        .limit(1)
    )
    of_instances: Any = Instance.select(newest).where(Instance.bot_id.in_(list(bots)))
    if instances is not None:
        of_instances = of_instances.where(Instance.id.in_(instances))
    rows: Any = table.select().where(table.bot_id.in_(list(bots)), table.id.in_(of_instances))
    return {(row.bot_id, row.instance_id): row for row in rows}
