"""What the collector itself uses: memory, processor, connections."""

import threading
import time
from pathlib import Path

import msgspec
import psutil

from .. import db

_MEBIBYTE = 1 << 20
_CGROUP = Path("/sys/fs/cgroup")


class System(msgspec.Struct, frozen=True):
    """All processes of this collector together; connections are those to its database."""

    memory_mb: float
    cpu_percent: float
    database_connections: int


class Memory(msgspec.Struct, frozen=True):
    """Of the container, or of the machine where there is none."""

    used_percent: float
    free_mb: float


class _Cpu:
    """Processor time since the last look, as a share of one core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._used_s = 0.0
        self._percent = 0.0

    def percent(self, used_s: float, since: float) -> float:
        """`used_s` in all since the time `since`. Looks within a second of another get the same answer."""
        with self._lock:
            elapsed_s = time.time() - (self._looked_at or since)
            if elapsed_s >= 1 or not self._looked_at:
                # A process that ended takes its time with it.
                self._percent = 100 * max(used_s - self._used_s, 0) / max(elapsed_s, 1)
                self._looked_at, self._used_s = time.time(), used_s
            return round(self._percent, 1)


_cpu = _Cpu()


def system() -> System:
    """Costs some milliseconds: the system is asked for all its processes."""
    memory = used_s = 0.0
    master = _master()
    for process in [master, *master.children(recursive=True)]:
        try:
            memory += process.memory_info().rss
            used_s += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return System(
        round(memory / _MEBIBYTE, 1), _cpu.percent(used_s, master.create_time()), _database_connections()
    )


def uptime_s() -> float:
    """Since the collector was started; a new worker doesn't change it."""
    return round(max(time.time() - _master().create_time(), 0), 3)


def memory() -> Memory:
    """How close memory is to running out."""
    found = _container_memory()
    if found is None:
        host = psutil.virtual_memory()
        found = host.total, host.total - host.available
    limit, used = found
    return Memory(round(100 * used / limit, 1), round((limit - used) / _MEBIBYTE, 1))


def _master() -> psutil.Process:
    """The process that the others of this server were forked from: it has the same command line."""
    process = psutil.Process()
    try:
        words = process.cmdline()
        while (parent := process.parent()) is not None and parent.cmdline() == words:
            process = parent
    except psutil.Error:
        pass
    return process


def _database_connections() -> int:
    if db.is_postgresql():
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        return int(db.database.execute_sql(query).fetchone()[0])
    pool = db.database.obj
    return len(pool._in_use) + len(pool._connections)


def _container_memory() -> tuple[int, int] | None:
    """The limit and what is used of it; None without a container, or for one without a limit."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        kinds = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    # Files kept in memory only because there is room.
    return limit, used - int(kinds.get("inactive_file", 0))
