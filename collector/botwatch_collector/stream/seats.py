"""How many streams there may be: in all, and for one token or account, so that none takes all of them."""

import threading
from collections import Counter
from dataclasses import dataclass

from .. import counters
from ..errors import TooManyRequests, Unavailable

_RETRY_S = 5


@dataclass(frozen=True)
class Seat:
    """What a reader asks for: `who` has `most_each` at most, and all together `most`."""

    who: str
    most: int
    most_each: int


class Seats:
    """Those that are taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._taken.total()

    def take(self, seat: Seat) -> None:
        """Raises Unavailable or TooManyRequests where there is none. Give it back once."""
        with self._lock:
            if self._taken.total() >= seat.most:
                counters.count("botwatch_stream_dropped_total", reason="full")
                raise Unavailable(
                    f"{seat.most} streams are open, the limit; try again", retry_after_s=_RETRY_S
                )
            if self._taken[seat.who] >= seat.most_each:
                counters.count("botwatch_stream_dropped_total", reason="too_many")
                raise TooManyRequests(
                    f"this token or account has {seat.most_each} streams open, its limit",
                    retry_after_s=_RETRY_S,
                )
            self._taken[seat.who] += 1

    def give_back(self, seat: Seat) -> None:
        with self._lock:
            self._taken[seat.who] -= 1
            if not self._taken[seat.who]:
                del self._taken[seat.who]
