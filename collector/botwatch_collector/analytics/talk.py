"""What a person and the bots said to each other of late, summed up from the messages themselves."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ..clock import iso
from .sessions import Session, Spoken, answer_times, sessions

MOST_MESSAGES = 1_000
"""So many messages are looked at, the newest: somebody with a hundred thousand costs no more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AnswerTimes(msgspec.Struct, frozen=True):
    """Response times in milliseconds, percentiles by nearest rank; all but the count are null without any."""

    count: int
    avg: float | None
    p50: int | None
    p95: int | None
    p99: int | None


class Talk(msgspec.Struct, frozen=True):
    """The newest messages of the window, both ways, and figures of these.

    `is_all` says whether they are all the window has; `since` is the time of the oldest. `sessions` are the
    newest of `session_count`. `cells` are messages in: 7 days, Monday first, of 24 hours in the zone.
    """

    messages: int
    is_all: bool
    since: str | None
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")
    response_ms: AnswerTimes
    session_count: int
    sessions: list[Session]
    cells: list[list[int]]


def talk(spoken: Sequence[Spoken], zone: ZoneInfo, *, is_all: bool, most_sessions: int) -> Talk:
    """The sum of these messages, which may come in any order."""
    received = [one.at for one in spoken if one.direction == "in"]
    found = sessions(spoken)
    return Talk(
        messages=len(spoken),
        is_all=is_all,
        since=iso(min(one.at for one in spoken)) if spoken else None,
        received=len(received),
        sent=len(spoken) - len(received),
        response_ms=_times(sorted(answer_times(spoken))),
        session_count=len(found),
        sessions=found[:most_sessions],
        cells=_week(received, zone),
    )


def _times(took: Sequence[int]) -> AnswerTimes:
    if not took:
        return AnswerTimes(0, None, None, None, None)
    p50, p95, p99 = (took[max(1, math.ceil(rank * len(took) / 100)) - 1] for rank in (50, 95, 99))
    return AnswerTimes(len(took), round(sum(took) / len(took), 3), p50, p95, p99)


def _week(moments: Sequence[int], zone: ZoneInfo) -> list[list[int]]:
    cells = [[0] * 24 for _ in range(7)]
    for at in moments:
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)
        cells[local.weekday()][local.hour] += 1
    return cells
