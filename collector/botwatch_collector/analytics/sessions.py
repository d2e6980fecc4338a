"""Conversations by their pauses: what is said without a gap of over half an hour is one session."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Literal, NamedTuple

import msgspec

from ..clock import MINUTE, iso

GAP_MS = 30 * MINUTE


class Spoken(NamedTuple):
    """What of a message counts here; times in milliseconds."""

    at: int
    direction: Literal["in", "out"]
    response_ms: int | None


class Session(msgspec.Struct, frozen=True):
    """From its first message to its last. `response_avg_ms` is null where nothing was timed."""

    begin: str
    end: str
    length_ms: int
    messages: int
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")
    response_avg_ms: float | None


def sessions(spoken: Iterable[Spoken]) -> list[Session]:
    """Newest first; the messages may come in any order."""
    groups: list[list[Spoken]] = []
    for one in sorted(spoken, key=attrgetter("at")):
        if not groups or one.at - groups[-1][-1].at > GAP_MS:
            groups.append([])
        groups[-1].append(one)
    return [_session(group) for group in reversed(groups)]


def _session(group: list[Spoken]) -> Session:
    first, last = group[0].at, group[-1].at
    received = sum(one.direction == "in" for one in group)
    took = answer_times(group)
    return Session(
        iso(first),
        iso(last),
        last - first,
        len(group),
        received,
        len(group) - received,
        round(sum(took) / len(took), 3) if took else None,
    )


def answer_times(spoken: Iterable[Spoken]) -> list[int]:
    """The response times of the messages out that have one."""
    return [one.response_ms for one in spoken if one.direction == "out" and one.response_ms is not None]
