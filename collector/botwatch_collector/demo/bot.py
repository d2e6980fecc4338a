"""The demo bot, a process of its own with the real agent in it: first its past, then its present."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType

from botwatch import Agent

from .dependencies import watch
from .history import PastTurn, past_turns
from .live import talk
from .people import Crowd
from .progress import report

SEED = 8400
DAY_MS = 86_400_000
TURNS_AT_ONCE = 2_000
TAKEN_WITHIN_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--users", type=int, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    random = Random(SEED)  # noqa: S311 - the same demo every time
    crowd = Crowd(options.users, random)
    with _agent() as agent:
        _remember(agent, crowd, options.days, options.users, random)
        watch(agent, random)
        asyncio.run(talk(agent, crowd, random))


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


@contextmanager
def _agent() -> Iterator[Agent]:
    agent = Agent().start()
    try:
        yield agent
    finally:
        agent.stop()


def _remember(agent: Agent, crowd: Crowd, days: int, users: int, random: Random) -> None:
    """Record the last days, in parts, so that their spool stays small and the pages fill up evenly."""
    now_ms = time.time_ns() // 1_000_000
    first_ms = now_ms - days * DAY_MS
    turns = 0
    report(0, 0)
    for past in past_turns(crowd, users, first_ms, now_ms, random):
        _record(agent, past)
        turns += 1
        if turns % TURNS_AT_ONCE == 0:
            _deliver(agent)
            report((past.asked_at - first_ms) / (now_ms - first_ms), 2 * turns)
    _deliver(agent)
    report(1, 2 * turns)


def _record(agent: Agent, past: PastTurn) -> None:
    turn, person = past.turn, past.turn.person
    agent.message(
        direction="in",
        user_id=person.user_id,
        user_name=person.name,
        channel=person.channel,
        text=turn.text,
        ts=past.asked_at,
        attributes={"language": person.language.code},
    )
    agent.message(
        direction="out",
        user_id=person.user_id,
        user_name=person.name,
        channel=person.channel,
        text=turn.reply,
        response_ms=past.response_ms,
        wait_ms=turn.delivery_ms + past.response_ms,
        ts=past.answered_at,
    )


def _deliver(agent: Agent) -> None:
    if not agent.flush(TAKEN_WITHIN_S):
        sys.exit(f"the collector took nothing for {TAKEN_WITHIN_S:.0f} seconds")


if __name__ == "__main__":
    main()
