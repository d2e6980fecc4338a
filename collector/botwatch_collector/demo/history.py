"""The demo bot's past: every turn of every conversation of the last days, in the order they happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from random import Random

from .conversations import Turn, conversation
from .people import Crowd
from .rhythm import HOUR_MS, Episode, conversations_in_hour, episodes


@dataclass(frozen=True)
class PastTurn:
    turn: Turn
    asked_at: int
    response_ms: int

    @property
    def answered_at(self) -> int:
        return self.asked_at + self.response_ms


def past_turns(crowd: Crowd, users: int, first_ms: int, last_ms: int, random: Random) -> Iterator[PastTurn]:
    """Turns asked at or after `first_ms` and answered before `last_ms`, oldest first.

    Only the turns of the current hour are held at a time, so that any number of days costs no memory.
    """
    unusual = episodes(first_ms, last_ms, random)
    waiting: list[PastTurn] = []
    for hour_ms in range(first_ms, last_ms, HOUR_MS):
        until_ms = min(hour_ms + HOUR_MS, last_ms)
        waiting += _started_in(hour_ms, crowd, users, unusual, random)
        waiting.sort(key=attrgetter("asked_at"))
        while waiting and waiting[0].asked_at < until_ms:
            past = waiting.pop(0)
            if past.answered_at < last_ms:
                yield past


def _started_in(
    hour_ms: int, crowd: Crowd, users: int, unusual: list[Episode], random: Random
) -> Iterator[PastTurn]:
    rush = max((one.rush for one in unusual if one.first_ms <= hour_ms <= one.last_ms), default=1.0)
    for language in crowd.spoken():
        for _ in range(round(rush * conversations_in_hour(users, language, hour_ms, random))):
            person = crowd.somebody(language, random)
            at_ms = hour_ms + random.randrange(HOUR_MS)
            for turn in conversation(person, random):
                past = _past(turn, at_ms, unusual)
                at_ms = past.answered_at + round(turn.pause_s * 1000)
                yield past


def _past(turn: Turn, asked_at: int, unusual: list[Episode]) -> PastTurn:
    slowness = max((one.slowness for one in unusual if one.first_ms <= asked_at <= one.last_ms), default=1.0)
    return PastTurn(turn, asked_at, round(turn.response_ms * slowness))
