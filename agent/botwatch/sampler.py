"""Reads what the process uses. Every reading is cheap: none walks open files, sockets or children."""

from __future__ import annotations

import gc
import logging
from typing import Any

from .background import Call
from .limits import read_limits
from .usage import CpuMeter, usage_reader
from .watched import Watched

log = logging.getLogger("botwatch")

COUNTING_S = 1.0
"""A count of connections that takes longer is told with the next sample."""


class Sampler:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._counting: Call | None = None
        self._usage = usage_reader()
        self._cpu = CpuMeter()
        self._limits = read_limits()

    def sample(self) -> dict[str, Any]:
        """One reading; what the platform can't tell is None."""
        usage = self._usage()
        return {
            "cpu_percent": self._cpu.percent(),
            "memory_bytes": usage.memory_bytes,
            "threads": usage.threads,
            "fds": usage.fds,
            "loop_lag_ms": self._loop_lag_ms(),
            "gc_collections": sum(generation["collections"] for generation in gc.get_stats()),
            "db_connections": self._database_connections(),
            "memory_limit_bytes": self._limits.memory_bytes,
            "cpu_limit": self._limits.cpus,
        }

    def _loop_lag_ms(self) -> float | None:
        self._watched.loops[:] = [loop for loop in self._watched.loops if not loop.is_over]
        return max((loop.take_worst_ms() for loop in self._watched.loops), default=None)

    def _database_connections(self) -> int | None:
        """Asked of the bot's own callable, which is let go when it fails: that is told once."""
        count, call = self._watched.connections, self._counting
        if count is None:
            return None
        if call is None:
            call = self._counting = Call(lambda: int(count()), "botwatch-connections", lambda: None)
        if not call.wait(COUNTING_S):
            return None
        self._counting = None
        if call.trouble is not None:
            log.warning("botwatch stops counting database connections: %s", call.trouble)
            self._watched.connections = None
        return None if call.value is None else int(call.value)
