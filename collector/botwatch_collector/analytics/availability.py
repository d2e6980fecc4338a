"""Whether each bot was there: a bar of its last hours or days in slots, and its share of uptime."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..clock import HOUR, MINUTE, iso
from ..models import Bot
from .runs import Kind, Run, runs
from .window import Window

RangeName = Literal["24h", "7d"]

RANGES: dict[RangeName, tuple[int, int]] = {"24h": (30 * MINUTE, 48), "7d": (3 * HOUR, 56)}
"""How long a slot is, and how many there are. Heartbeats are kept for a week unless told otherwise."""

_MOST_OUTAGES = 20
# A slot is called by the gravest that was in it.
_GRAVEST_FIRST: tuple[Kind, ...] = ("down", "late", "up", "stopped")


class Slot(msgspec.Struct, frozen=True):
    """`state` is the gravest of the slot; the seconds add up to its length, less what nothing is known of."""

    at: str
    end: str
    state: Kind
    up_s: float
    late_s: float
    down_s: float
    stopped_s: float


class Outage(msgspec.Struct, frozen=True):
    """A time without a sign of life; `end` is null while it lasts."""

    start: str
    end: str | None
    duration_s: float


class Availability(msgspec.Struct, frozen=True):
    """`uptime_percent` is the part of the known time in which the bot was up or late; what it was stopped for
    doesn't count. Null before its first heartbeat. `outages` are the newest of `outage_count`.
    """

    bot: str
    uptime_percent: float | None
    outage_count: int
    outages: list[Outage]
    slots: list[Slot]


def availability(
    bots: Sequence[int], name: RangeName, now: int, *, kept_since: int = 0
) -> list[Availability]:
    """By the name of the bot. Nothing is said of the time before `kept_since`: its heartbeats may be gone."""
    length, count = RANGES[name]
    first = now // length * length - (count - 1) * length
    window = Window(min(max(first, kept_since), now), now)
    found = runs(bots, window)
    named: Any = Bot.select().where(Bot.id.in_(bots)).order_by(Bot.name)
    starts = range(first, now + 1, length)
    return [_of_bot(bot.name, found[bot.id], starts, length, now) for bot in named]


def _of_bot(bot: str, course: list[Run], starts: range, length: int, now: int) -> Availability:
    of_kind = _seconds(course)
    alive = of_kind["up"] + of_kind["late"]
    known = alive + of_kind["down"]
    down = [run for run in reversed(course) if run.kind == "down"]
    return Availability(
        bot,
        round(100 * alive / known, 3) if known else None,
        len(down),
        [_outage(run, now) for run in down[:_MOST_OUTAGES]],
        _slots(course, starts, length, now),
    )


def _outage(run: Run, now: int) -> Outage:
    return Outage(iso(run.start), None if run.end == now else iso(run.end), (run.end - run.start) / 1_000)


def _slots(course: list[Run], starts: range, length: int, now: int) -> list[Slot]:
    made, place = [], 0
    for start in starts:
        end, within = min(start + length, now), []
        while place < len(course) and course[place].end <= start:
            place += 1
        for run in course[place:]:
            if run.start >= end:
                break
            within.append(Run(max(run.start, start), min(run.end, end), run.kind))
        made.append(_slot(start, end, within))
    return made


def _slot(start: int, end: int, within: list[Run]) -> Slot:
    of_kind = _seconds(within)
    return Slot(
        at=iso(start),
        end=iso(end),
        state=next((kind for kind in _GRAVEST_FIRST if of_kind[kind]), "unknown"),
        up_s=of_kind["up"],
        late_s=of_kind["late"],
        down_s=of_kind["down"],
        stopped_s=of_kind["stopped"],
    )


def _seconds(course: list[Run]) -> dict[Kind, float]:
    of_kind: Counter[Kind] = Counter()
    for run in course:
        of_kind[run.kind] += run.end - run.start
    return {kind: of_kind[kind] / 1_000 for kind in (*_GRAVEST_FIRST, "unknown")}
