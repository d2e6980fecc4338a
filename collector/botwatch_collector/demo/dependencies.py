"""What the demo's bot depends on: checks of simulated services, of which one now and then does not answer."""

import time
from functools import partial
from random import Random

from botwatch import Agent

EVERY_S = 60

# How long each takes on average, and how often it fails.
SERVICES = {"Chat platform": (40, 0.0), "Orders": (3, 0.0), "Language model": (400, 0.05)}


def watch(agent: Agent, random: Random) -> None:
    for name, (latency_ms, failing) in SERVICES.items():
        agent.check(name, partial(_ask, latency_ms, failing, random), every_s=EVERY_S)


def _ask(latency_ms: float, failing: float, random: Random) -> None:
    time.sleep(random.uniform(0.5, 1.5) * latency_ms / 1000)
    if random.random() < failing:
        raise TimeoutError("the service did not answer")
