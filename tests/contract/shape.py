"""The agent's half of the contract in plain words: what a batch may look like, and nothing else."""

import json
import re
from collections.abc import Callable
from typing import Any

LATEST_MS = 253_402_300_799_999
Check = Callable[[Any], bool]


def whole(least: int, greatest: int = 2**63) -> Check:
    return lambda value: type(value) is int and least <= value <= greatest


def number(value: Any) -> bool:
    return type(value) in (int, float)


def text(limit: int, least: int = 0) -> Check:
    return lambda value: type(value) is str and least <= len(value) <= limit


def nullable(check: Check) -> Check:
    return lambda value: value is None or check(value)


def attributes(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= 32
        and len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) <= 4096
        and all(item is None or type(item) in (str, int, float, bool) for item in value.values())
    )


def details(value: Any) -> bool:
    """What the agent tells of an error or of what hangs: short texts, and a stack of lines."""
    return (
        type(value) is dict
        and len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) <= 16_384
        and all(
            item is None
            or type(item) in (str, int, float, bool)
            or (type(item) is list and all(type(line) is str for line in item))
            for item in value.values()
        )
    )


def checks(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= 32
        and all(
            text(64, 1)(name) and faults_of(name, CHECK, {"status", "checked_at"}, result) == []
            for name, result in value.items()
        )
    )


def losses(value: Any) -> bool:
    return type(value) is dict and all(whole(0)(count) for count in value.values())


def spool(value: Any) -> bool:
    figures = {name: figure for name, figure in value.items() if name != "place"}
    return (
        set(figures) == {"events", "bytes", "oldest_age_s"}
        and all(number(figure) for figure in figures.values())
        and value.get("place") in (None, "disk", "memory")
    )


COMMON = {"kind": text(20), "ts": whole(0, LATEST_MS), "seq": whole(1), "id": text(200, 1)}
REQUIRED = {
    "message": {"direction", "text", "user_id"},
    "sample": set(),
    "heartbeat": set(),
    "activity": {"action", "category", "severity", "status"},
    "check": {"name", "status"},
    "presence": {"user_id"},
}
CHECK: dict[str, Check] = {
    "status": lambda value: value in ("ok", "fail", "unknown"),
    "latency_ms": number,
    "message": text(500),
    "checked_at": whole(0, LATEST_MS),
}
FIELDS: dict[str, dict[str, Check]] = {
    "header": {
        "v": lambda value: value == 1,
        "instance": lambda value: re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", value) is not None,
        "bot": nullable(text(200, 1)),
        "host": nullable(text(255)),
        "pid": nullable(whole(1)),
        "first_seq": whole(1),
        "agent": text(100),
        "sent_at": whole(0, LATEST_MS),
    },
    "message": {
        "direction": lambda value: value in ("in", "out"),
        "text": nullable(text(65_536)),
        "user_id": nullable(text(256)),
        "user_name": text(256),
        "channel": text(256),
        "response_ms": whole(0, 2**36),
        "wait_ms": whole(0, 2**36),
        "attributes": attributes,
    },
    "sample": {
        "cpu_percent": number,
        "memory_bytes": whole(0),
        "threads": whole(1),
        "fds": whole(0),
        "loop_lag_ms": number,
        "gc_collections": whole(0),
        "db_connections": whole(0),
        "memory_limit_bytes": whole(0),
        "cpu_limit": number,
        "uptime_s": number,
        "update_age_s": number,
    },
    "heartbeat": {
        "uptime_s": number,
        "version": text(200),
        "agent": text(100),
        "interval_s": number,
        "update_age_s": number,
        "spool": spool,
        "losses": losses,
        "sent": whole(0),
        "sent_per_s": number,
        "errors": whole(0),
        "cpu_s": number,
        "handler_errors": losses,
        "started_at": whole(0, LATEST_MS),
        "python": text(100),
        "platform": text(100),
        "stopping": lambda value: value is True,
        "checks": checks,
    },
    "activity": {
        "action": text(200, 1),
        "category": text(64, 1),
        "severity": lambda value: value in ("debug", "info", "warning", "error", "critical"),
        "status": text(64, 1),
        "entity_type": text(64, 1),
        "entity_id": text(256),
        "user_id": text(256),
        "duration_ms": whole(0, 2**53),
        "details": details,
    },
    "presence": {
        "user_id": text(256, 1),
        "status": lambda value: value in ("online", "away", "busy", "dnd", "offline"),
        "message": text(100),
        "typing": lambda value: type(value) is bool,
        "page": text(256),
        "device": text(64),
        "user_name": text(256),
        "show_status": lambda value: type(value) is bool,
    },
    "check": {"name": text(64, 1), **{name: CHECK[name] for name in ("status", "latency_ms", "message")}},
}


def faults(batch: bytes) -> list[str]:
    """Everything in which the batch is not of the contract's shape."""
    lines = batch.decode().splitlines()
    found = faults_of("header", FIELDS["header"], {"v", "instance"}, strict(lines[0]))
    for index, line in enumerate(lines[1:]):
        event = strict(line)
        place, kind = f"events[{index}]", event.get("kind")
        if kind not in REQUIRED:
            found.append(f"{place}.kind: {kind!r}")
            continue
        if "seq" not in event and "id" not in event:
            found.append(f"{place}: neither seq nor id")
        found += faults_of(place, COMMON | FIELDS[kind], REQUIRED[kind] | {"kind", "ts"}, event)
    return found


def faults_of(place: str, fields: dict[str, Check], required: set[str], value: dict[str, Any]) -> list[str]:
    missing = [f"{place}.{name}: missing" for name in sorted(required - value.keys())]
    unknown = [f"{place}.{name}: unknown" for name in sorted(value.keys() - fields.keys())]
    wrong = [
        f"{place}.{name}: {item!r:.80}" for name, item in value.items() if not fields.get(name, bool)(item)
    ]
    return missing + unknown + [fault for fault in wrong if fault.partition(":")[0] not in str(unknown)]


def strict(line: str) -> dict[str, Any]:
    """JSON as the standard has it: no NaN, no name twice, no lone surrogate."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"a name stands twice in {line:.200}"
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    value = json.loads(line, object_pairs_hook=unique, parse_constant=refuse)
    assert type(value) is dict
    json.dumps(value, ensure_ascii=False).encode()
    return value
