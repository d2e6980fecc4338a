"""Batches that must be refused: what is wrong, the answer, and the place it names."""

import gzip
import json
import random
import zlib
from dataclasses import dataclass, field
from typing import Any

from backports import zstd

HEADER = {"v": 1, "instance": "one"}
GOOD = {"kind": "message", "ts": 1_700_000_000_000, "seq": 1, "direction": "in", "text": "hi", "user_id": "u"}
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Bad:
    """`status` and `at` are what the collector must answer; `at` is None where no place can be named."""

    name: str
    body: bytes
    status: int = 400
    at: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def lines(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows) + b"\n"


def with_text(escaped: bytes) -> bytes:
    return json.dumps(GOOD).encode().replace(b"hi", escaped)


def event(name: str, at: str, /, **changes: Any) -> Bad:
    """A good message, then one with a change; a value of `...` takes the field away."""
    changed = {key: value for key, value in (GOOD | {"seq": 2} | changes).items() if value is not ...}
    return Bad(name, lines(HEADER, GOOD, changed), at=f"events[1]{at}")


def activity(name: str, at: str, **changes: Any) -> Bad:
    return event(name, at, **{"kind": "activity", "action": "order"} | changes)


def check(name: str, at: str, /, **changes: Any) -> Bad:
    return event(name, at, **{"kind": "check", "name": "database", "status": "ok"} | changes)


def presence(name: str, at: str, /, **changes: Any) -> Bad:
    return event(name, at, **{"kind": "presence", "user_id": "u", "status": "online"} | changes)


def header(name: str, at: str, **changes: Any) -> Bad:
    changed = {key: value for key, value in (HEADER | changes).items() if value is not ...}
    return Bad(name, lines(changed, GOOD), at=f"header{at}")


def _packed(name: str, body: bytes, encoding: str, status: int, at: str | None = None) -> Bad:
    return Bad(name, body, status, at, {"Content-Encoding": encoding})


_whole = lines(HEADER, GOOD)
_noise = random.Random(1).randbytes(2 << 20)
_bomb = lines(HEADER) + b" " * (64 << 20)

BAD = [
    Bad("empty body", b"", at="header"),
    Bad("no JSON at all", b"hello\n", at="header"),
    Bad("header cut off", b'{"v":1,"inst', at="header"),
    Bad("header is a list", lines([1], GOOD), at="header"),
    Bad("event in the header's place", lines(GOOD), at="header.v"),
    header("version missing", ".v", v=...),
    header("version unknown", ".v", v=2),
    header("version as text", ".v", v="1"),
    header("instance missing", ".instance", instance=...),
    header("instance empty", ".instance", instance=""),
    header("instance with a slash", ".instance", instance="../etc"),
    header("instance too long", ".instance", instance="x" * 65),
    header("pid negative", ".pid", pid=-1),
    Bad("another bot's batch", lines(HEADER | {"bot": "somebody-else"}, GOOD), 403, "header.bot"),
    presence("presence of nobody", ".user_id", user_id=...),
    presence("presence of an empty user", ".user_id", user_id=""),
    presence("status unknown", ".status", status="asleep"),
    presence("status message too long", ".message", message="x" * 101),
    presence("typing as text", ".typing", typing="yes"),
    presence("page too long", ".page", page="x" * 257),
    Bad("broken JSON in an event", lines(HEADER, GOOD, b'{"kind":"message",'), at="events[1]"),
    Bad("event is a number", lines(HEADER, GOOD, 5), at="events[1]"),
    Bad("event is null", lines(HEADER, GOOD, None), at="events[1]"),
    Bad("NaN", lines(HEADER, json.dumps(GOOD | {"ts": float("nan")}).encode()), at="events[0]"),
    Bad("Infinity", lines(HEADER, json.dumps(GOOD | {"ts": float("inf")}).encode()), at="events[0]"),
    Bad("1e999", lines(HEADER, b'{"kind":"sample","ts":1,"seq":1,"fds":1e999}'), at="events[0].fds"),
    Bad("not UTF-8", lines(HEADER, b'{"kind":"message","ts":1,"text":"\xff\xfe"}'), at="events[0]"),
    Bad("UTF-16", _whole.decode().encode("utf-16"), at="header"),
    Bad("lone surrogate", lines(HEADER, with_text(b"\\ud800")), at="events[0]"),
    Bad("raw control character", lines(HEADER, with_text(b"a\x01b")), at="events[0]"),
    Bad("nested without end", lines(HEADER, b'{"kind":"message","ts":' + b"[" * 100_000), at="events[0].ts"),
    event("kind missing", ".kind", kind=...),
    event("kind unknown", ".kind", kind="gossip"),
    event("kind as number", ".kind", kind=5),
    event("time missing", ".ts", ts=...),
    event("time negative", ".ts", ts=-1),
    event("time as text", ".ts", ts="2024-01-01T00:00:00Z"),
    event("time as fraction", ".ts", ts=1.5),
    event("time as boolean", ".ts", ts=True),
    event("time in nanoseconds", ".ts", ts=1_700_000_000_000_000_000),
    event("time beyond any integer", ".ts", ts=10**40),
    event("neither seq nor id", "", seq=...),
    event("seq zero", ".seq", seq=0),
    event("seq beyond 64 bits", ".seq", seq=2**63),
    event("id empty", ".id", id=""),
    event("id too long", ".id", id="x" * 201),
    event("id as number", ".id", id=7),
    event("direction missing", ".direction", direction=...),
    event("direction unknown", ".direction", direction="sideways"),
    event("text missing", ".text", text=...),
    event("text as number", ".text", text=5),
    event("text as list", ".text", text=["hi"]),
    event("text too long", ".text", text="x" * 65_537),
    event("user missing", ".user_id", user_id=...),
    event("user as number", ".user_id", user_id=12345),
    event("user too long", ".user_id", user_id="x" * 257),
    event("response time negative", ".response_ms", response_ms=-1),
    event("response time as text", ".response_ms", response_ms="12"),
    event("response time of over two years", ".response_ms", response_ms=2**36 + 1),
    event("attributes as list", ".attributes", attributes=[1]),
    event("attributes nested", ".attributes[...]", attributes={"a": {"b": 1}}),
    event("attributes too many", ".attributes", attributes={str(index): 1 for index in range(33)}),
    event("attributes too large", ".attributes", attributes={"a": "x" * 5_000}),
    event("sample with negative memory", ".memory_bytes", kind="sample", memory_bytes=-5),
    event("heartbeat without interval", ".interval_s", kind="heartbeat", interval_s=0),
    event("check without status", ".checks[...].status", kind="heartbeat", checks={"db": {}}),
    activity("activity without action", ".action", action=...),
    activity("activity with an empty action", ".action", action=""),
    activity("activity with a long action", ".action", action="x" * 201),
    activity("activity with an empty category", ".category", category=""),
    activity("activity of unknown severity", ".severity", severity="fatal"),
    activity("activity with status as boolean", ".status", status=True),
    activity("activity on a long entity", ".entity_id", entity_id="x" * 257),
    activity("activity with negative duration", ".duration_ms", duration_ms=-1),
    activity("activity with details as text", ".details", details="stack"),
    activity("activity with large details", ".details", details={"stack": "x" * 17_000}),
    activity("activity with deep details", ".details", details={"a": [[[[[[[[0]]]]]]]]}),
    check("result of no check", ".name", name=...),
    check("result of a check without name", ".name", name=""),
    check("result without status", ".status", status=...),
    check("result with unknown status", ".status", status="fine"),
    check("result with negative latency", ".latency_ms", latency_ms=-0.1),
    check("result with a long message", ".message", message="x" * 501),
    Bad("too many events", lines(HEADER) + lines(GOOD) * 5_001, 413),
    Bad("too large", lines(HEADER) + b" " * (1 << 20), 413),
    _packed("too large, packed", gzip.compress(_noise), "gzip", 413),
    _packed("gzip bomb", gzip.compress(_bomb), "gzip", 413),
    _packed("zstd bomb", zstd.compress(_bomb), "zstd", 413),
    _packed("not gzip", _whole, "gzip", 400, "body"),
    _packed("not zstd", _whole, "zstd", 400, "body"),
    _packed("gzip cut off", gzip.compress(_whole)[:-9], "gzip", 400, "body"),
    _packed("zstd cut off", zstd.compress(_whole)[:-3], "zstd", 400, "body"),
    _packed("gzip with a tail", gzip.compress(_whole) + b"tail", "gzip", 400, "body"),
    _packed("deflate", zlib.compress(_whole), "deflate", 415),
    _packed("unknown encoding", _whole, "br", 415),
    Bad("form", _whole, 415, headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Bad("no content type", _whole, 415, headers={"Content-Type": ""}),
]  # fmt: skip
