"""What privacy costs a call: the same messages with the scrubber off, on, and with policies, in turns."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from typing import Any

from botwatch import Agent

from .agent import DEAD
from .peers.client import TEXT
from .peers.running import TOKEN

ROUNDS, CALLS = 9, 20_000
FIELDS = {"user_id": "12345678", "user_name": "Alice Doe", "channel": "telegram"}
CLOSER = "at 10:30, see https://example.org/a-b-c?page=2"
CARD = "my card is 4111 1111 1111 1111, thanks"
KEY = "a key of sixteen or more"

# What is measured, its privacy rules, its text.
CASES: tuple[tuple[str, dict[str, str], str], ...] = (
    ("off", {"secrets": "keep", "emails": "keep"}, TEXT),
    ("default, ordinary text", {}, TEXT),
    ("default, text that needs a closer look", {}, CLOSER),
    ("default, text with a card number", {}, CARD),
    ("user_id=hash", {"user_id": "hash"}, TEXT),
    ("text=drop, user_name=mask", {"text": "drop", "user_name": "mask"}, TEXT),
)


def median_ns(call: Callable[..., object], **fields: Any) -> int:
    clock, times = time.perf_counter_ns, []
    for _ in range(CALLS):
        began = clock()
        call(**fields)
        times.append(clock() - began)
    return sorted(times)[CALLS // 2]


def main() -> None:
    logging.getLogger("botwatch").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as folder:
        agents = [
            Agent().start(DEAD, TOKEN, spool_dir=f"{folder}/{index}", privacy=rules, privacy_key=KEY)
            for index, (_, rules, _) in enumerate(CASES)
        ]
        best = [
            min(medians)
            for medians in zip(
                *(
                    [
                        median_ns(agent.message, text=case[2], **FIELDS)
                        for agent, case in zip(agents, CASES, strict=True)
                    ]
                    for _ in range(ROUNDS)
                ),
                strict=True,
            )
        ]
        for (name, _, _), time_ns in zip(CASES, best, strict=True):
            print(f"{name:44} p50 {time_ns / 1000:6.2f} us   {time_ns / best[0]:5.2f} x off")
        for agent in agents:
            agent.stop(0)


if __name__ == "__main__":
    main()
