"""Counts what was knowingly dropped, by reason."""

from __future__ import annotations

import threading


class Losses:
    """Cumulative. Safe from any thread, and from a signal handler in the middle of a count."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: dict[str, int] = {}

    def count(self, reason: str, events: int = 1) -> None:
        """Add `events` to the reason; negative takes back what turned out to have arrived."""
        if events:
            with self._lock:
                self._counts[reason] = self._counts.get(reason, 0) + events

    def by_reason(self) -> dict[str, int]:
        with self._lock:
            return {reason: events for reason, events in self._counts.items() if events}
