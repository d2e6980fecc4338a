"""Readings of what bots depend on, and of what goes wrong in them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import alerts
from ..analytics.bots import BotState
from ..clock import SECOND
from ..models import CollectorCounter
from .readings import Labels, Readings, Value

MOST_CHECKS = 32
"""Those of one bot that come after so many, by name, are not told: no bot can flood Prometheus with names."""

_COUNTERS = ("botwatch_errors_total", "botwatch_hangs_total")


def read(bots: Mapping[int, str], states: Sequence[BotState]) -> Readings:
    """`bots` are names by id. A check that nobody knows the answer of is left out."""
    shown = [
        ((bot.name, name), check)
        for bot in states
        for name, check in list(bot.checks.items())[:MOST_CHECKS]
        if check.status != "unknown"
    ]
    return {
        "botwatch_check_ok": [(labels, float(check.status == "ok")) for labels, check in shown],
        "botwatch_check_latency_seconds": [
            (labels, check.latency_ms / SECOND) for labels, check in shown if check.latency_ms is not None
        ],
        "botwatch_incidents_active": _incidents(bots),
        **_counted(bots),
    }


def _incidents(bots: Mapping[int, str]) -> list[tuple[Labels, Value]]:
    counts = alerts.counts(list(bots))
    return [
        ((name, severity), float(counts.get((bot, severity), 0)))
        for bot, name in bots.items()
        for severity in alerts.SEVERITIES
    ]


def _counted(bots: Mapping[int, str]) -> Readings:
    rows: Any = CollectorCounter.select().where(CollectorCounter.name.in_(_COUNTERS)).tuples()
    found = {(name, int(json.loads(labels)["bot_id"])): value for name, labels, value in rows}
    return {
        name: [((bot,), found.get((name, bot_id), 0.0)) for bot_id, bot in bots.items()] for name in _COUNTERS
    }
