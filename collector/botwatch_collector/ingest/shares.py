"""What all bots share, such as the room of a queue: a bot may take as much of it as it leaves free.

So one bot alone gets a half, two get a third each, and whoever comes next finds something left, however hard
the others press. (The rule is that of shared memory in network switches: Choudhury and Hahne's dynamic queue
length thresholds, 1998.)
"""

import threading
from collections import Counter


class Shares:
    """There is `most` of it; how much is taken, and by whom."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()
        self._total = 0

    @property
    def taken(self) -> int:
        """By all together."""
        return self._total

    def take(self, bot_id: int, amount: int = 1) -> bool:
        """Whether the bot gets it; then it has to be given back once."""
        with self._lock:
            if self._taken[bot_id] + amount > self._most - self._total:
                return False
            self._taken[bot_id] += amount
            self._total += amount
            return True

    def give_back(self, bot_id: int, amount: int = 1) -> None:
        with self._lock:
            self._total -= amount
            self._taken[bot_id] -= amount
            if not self._taken[bot_id]:
                del self._taken[bot_id]
