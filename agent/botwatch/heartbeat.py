"""Builds the line that says: I am alive, since when, and how the agent itself is doing."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from .encode import now_ms
from .version import AGENT

if TYPE_CHECKING:
    from .config import Config
    from .figures import Figures
    from .spool.spool import Spool
    from .watched import Watched

PYTHON = ".".join(map(str, sys.version_info[:3]))
MACHINE = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "unknown")


def heartbeat_body(
    config: Config,
    figures: Figures,
    spool: Spool,
    watched: Watched,
    update_age_s: float | None,
    *,
    is_stopping: bool = False,
) -> str:
    fields: dict[str, Any] = {
        "uptime_s": round(figures.uptime_s, 3),
        "version": config.version,
        "agent": AGENT,
        "interval_s": config.heartbeat_s,
        "update_age_s": update_age_s,
        "spool": spool_figures(spool),
        "losses": figures.losses.by_reason(),
        "sent": figures.sent,
        "sent_per_s": round(figures.sent_per_s, 3),
        "errors": figures.errors,
        "cpu_s": round(figures.cpu_s, 3),
        "handler_errors": figures.handler_errors(),
        "started_at": figures.started_at_ms,
        "python": PYTHON,
        "platform": f"{sys.platform}-{MACHINE}",
        "checks": watched.answers(),
    }
    if is_stopping:
        fields["stopping"] = True
    return event_body("heartbeat", fields)


def spool_figures(spool: Spool) -> dict[str, Any]:
    queued = spool.queued()
    return {
        "events": queued.events,
        "bytes": queued.size_bytes,
        "oldest_age_s": oldest_age_s(spool.oldest_line()),
        "place": spool.place,
    }


def oldest_age_s(line: bytes | None) -> float:
    """How old the event is that waits longest, by its own time; 0 when none waits."""
    if line is None:
        return 0.0
    event_at_ms: int = json.loads(line)["ts"]
    return max(0.0, round(time.time() - event_at_ms / 1000, 3))


def event_body(kind: str, fields: dict[str, Any]) -> str:
    """An event without braces, of fields that are known to be plain; those that are None are left out."""
    present = {name: value for name, value in fields.items() if value is not None}
    content = {"kind": kind, "ts": now_ms(), **present}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)[1:-1]
