"""The limits a container sets on this process: psutil would report the host's."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeVar

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
UNLIMITED_BYTES = 1 << 60
"""cgroup v1 says "no limit" with a number near 2**63."""


Number = TypeVar("Number", int, float)


class Limits(NamedTuple):
    memory_bytes: int | None
    cpus: float | None


def read_limits(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> Limits:
    """The tightest limits on the way up from our own group, of cgroup v2 or v1; None where there are none."""
    groups = our_groups(membership)
    if (unified := groups.get("")) is not None and (root / "cgroup.controllers").exists():
        places = with_parents(root, unified)
        return Limits(
            tightest([whole_number(place / "memory.max") for place in places]),
            tightest([quota_v2(place / "cpu.max") for place in places]),
        )
    memory = with_parents(root / "memory", groups.get("memory", "/"))
    cpu = with_parents(root / "cpu", groups.get("cpu", "/"))
    return Limits(
        tightest([whole_number(place / "memory.limit_in_bytes") for place in memory]),
        tightest([quota_v1(place) for place in cpu]),
    )


def our_groups(membership: Path) -> dict[str, str]:
    """Controller -> path of our group; the unified hierarchy's controller is ''."""
    groups = {}
    for line in read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def with_parents(root: Path, group: str) -> list[Path]:
    """Our group's directory and those above it. Inside a container only the root may be visible."""
    own = root / group.strip("/")
    return [own, *(parent for parent in own.parents if parent.is_relative_to(root))]


def tightest(limits: list[Number | None]) -> Number | None:
    return min((limit for limit in limits if limit is not None), default=None)


def whole_number(path: Path) -> int | None:
    content = read(path).strip()
    return int(content) if content.isdecimal() and int(content) < UNLIMITED_BYTES else None


def quota_v2(path: Path) -> float | None:
    quota, _, period = read(path).strip().partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def quota_v1(group: Path) -> float | None:
    quota, period = whole_number(group / "cpu.cfs_quota_us"), whole_number(group / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
