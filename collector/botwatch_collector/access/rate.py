"""Limits how many events a second a token may send.

Each worker keeps its own account of a token, because counting in the database would cost a write for each
batch. So one connection, which stays with its worker, never gets more than the limit, and a token that uses
several connections gets at most the limit times the number of workers.
"""

import math
import threading

from ..clock import SECOND
from ..errors import TooManyRequests


class RateLimit:
    """Token buckets that hold one second's worth. A larger batch makes a debt, which has to be waited for."""

    def __init__(self, events_per_s: int) -> None:
        self._events_per_s = events_per_s
        self._lock = threading.Lock()
        self._balances: dict[int, tuple[float, int]] = {}

    def spend(self, token_id: int, events: int, now: int) -> None:
        """Take `events` from the token's account; raises TooManyRequests while it is in debt."""
        if not self._events_per_s:
            return
        with self._lock:
            balance = self._balance(token_id, now)
            if balance >= 0:
                self._balances[token_id] = (balance - events, now)
                return
        raise TooManyRequests(
            f"the limit is {self._events_per_s} a second",
            retry_after_s=max(1, math.ceil(-balance / self._events_per_s)),
        )

    def _balance(self, token_id: int, now: int) -> float:
        most = float(self._events_per_s)
        balance, since = self._balances.get(token_id, (most, now))
        # A clock that was set back earns nothing and costs nothing.
        earned = max(0, now - since) / SECOND * self._events_per_s
        return min(most, balance + earned)


_limit = RateLimit(0)


def limit_to(events_per_s: int) -> None:
    """Set this process's limit for each token; 0 is none."""
    global _limit  # noqa: PLW0603 - one limit for the process, as one configuration
    _limit = RateLimit(events_per_s)


def spend(token_id: int, events: int, now: int) -> None:
    """`RateLimit.spend` with the limit of this process."""
    _limit.spend(token_id, events, now)
