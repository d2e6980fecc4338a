"""How long to wait after a failure: exponentially longer, spread at random, never shorter than asked."""

from __future__ import annotations

import random

LONGEST_S = 30.0
SHORTEST_S = 0.05

# Not the module's own generator: a bot that seeds it would find its numbers taken from between.
_random = random.SystemRandom()


class Backoff:
    """Full jitter, so that a thousand bots do not come back in the same moment.

    It is the circuit breaker too: with the collector gone one request at a time, at last two a minute, each
    with fewer events (see `Sender`), and the first that succeeds closes it.
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self.failures = 0

    def failed(self, retry_after_s: float = 0.0) -> float:
        """Seconds to wait now."""
        ceiling = min(LONGEST_S, self._first_s * 2.0 ** min(self.failures, 16))
        self.failures += 1
        jitter = _random.uniform(SHORTEST_S, max(SHORTEST_S, ceiling))
        return retry_after_s + jitter if retry_after_s else jitter

    def succeeded(self) -> None:
        self.failures = 0
