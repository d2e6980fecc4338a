"""Plain Python over lists of messages: what every figure must be, computed without a database."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from botwatch_collector import rollups
from botwatch_collector.analytics.window import Window
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """One message, as the tests make them."""

    at: int
    direction: str = "in"
    user_id: str | None = "ann"
    response_ms: int | None = None
    wait_ms: int | None = None
    bot: int = 1
    user_name: str | None = None


def put(messages: Iterable[Said], instance: str = "one") -> None:
    """Into the database, as ingest does it, and counted."""
    by_bot: dict[int, list[Any]] = defaultdict(list)
    for said in messages:
        by_bot[said.bot].append(
            Message(
                ts=said.at,
                seq=len(by_bot[said.bot]) + 1,
                direction=said.direction,  # type: ignore[arg-type]
                text="hello",
                user_id=said.user_id,
                user_name=said.user_name,
                response_ms=said.response_ms,
                wait_ms=said.wait_ms,
            )
        )
    header = Header(v=1, instance=instance)
    store([Incoming(bot, Batch(header, events), 0) for bot, events in by_bot.items()])
    rollups.catch_up()


def within(messages: Iterable[Said], window: Window, bots: Sequence[int] = (1,)) -> list[Said]:
    return [said for said in messages if window.start <= said.at < window.end and said.bot in bots]


def people(messages: Iterable[Said]) -> set[str]:
    return {said.user_id for said in messages if said.direction == "in" and said.user_id is not None}


def times(messages: Iterable[Said], name: str = "response_ms") -> list[int]:
    found = (getattr(said, name) for said in messages if said.direction == "out")
    return sorted(value for value in found if value is not None)


def average(values: Sequence[int]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def percentile(values: Sequence[int], rank: float) -> int | None:
    """Nearest rank; `values` are sorted."""
    return values[max(1, math.ceil(rank * len(values) / 100)) - 1] if values else None


def local(at: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def label(at: int, zone: ZoneInfo, bucket: str) -> tuple[Any, ...]:
    """What a person with a clock and a calendar of the zone calls the bucket of a moment."""
    moment = local(at, zone)
    if bucket == "month":
        return (moment.year, moment.month)
    if bucket == "week":
        return tuple(moment.isocalendar()[:2])
    if bucket == "day":
        return (moment.date(),)
    minute = moment.minute if bucket == "minute" else 0
    return (moment.date(), moment.hour, minute, moment.utcoffset())


def grouped(messages: Iterable[Said], key: Callable[[Said], Any]) -> dict[Any, list[Said]]:
    groups: dict[Any, list[Said]] = defaultdict(list)
    for said in messages:
        groups[key(said)].append(said)
    return dict(groups)


def timeline(messages: Sequence[Said], zone: ZoneInfo, bucket: str) -> list[dict[str, Any]]:
    """Points without `at`, in order."""
    found = grouped(sorted(messages, key=lambda said: said.at), lambda said: label(said.at, zone, bucket))
    return [
        {
            "in": sum(said.direction == "in" for said in group),
            "out": sum(said.direction == "out" for said in group),
            "users": len(people(group)),
            "response_avg_ms": average(times(group)),
        }
        for group in found.values()
    ]


def top_users(messages: Iterable[Said]) -> list[tuple[str, int, int]]:
    """Id, messages, last time."""
    received = [said for said in messages if said.direction == "in" and said.user_id is not None]
    counted = Counter(said.user_id for said in received)
    last = {said.user_id: said.at for said in sorted(received, key=lambda said: said.at)}
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0] or ""))
    return [(user_id or "", count, last[user_id]) for user_id, count in ordered]


def heatmap(messages: Iterable[Said], zone: ZoneInfo) -> list[list[int]]:
    cells = [[0] * 24 for _ in range(7)]
    for said in messages:
        if said.direction == "in":
            moment = local(said.at, zone)
            cells[moment.weekday()][moment.hour] += 1
    return cells


def plain(answer: Any) -> Any:
    """A struct as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(answer))
