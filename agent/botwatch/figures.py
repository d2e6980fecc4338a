"""The agent's figures about itself: what it sent, what failed, and in which state it is."""

from __future__ import annotations

import threading
import time
from collections import Counter

from .losses import Losses


class Figures:
    """Of one process since start. Each number has one writer, except what the bot counts, which is locked."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.started_at_ms = time.time_ns() // 1_000_000
        self.started_s = time.monotonic()
        self.state = "ok"
        self.sent = 0
        self.duplicates = 0
        self.errors = 0
        self.last_error: str | None = None
        self.sender_cpu_s = self.pulse_cpu_s = 0.0
        self.sent_per_s = 0.0
        """Between the last two heartbeats."""
        self._sent_before, self._beat_at = 0, self.started_s
        self.forged_requests = 0
        self._handler_errors: Counter[str] = Counter()
        self._lock = threading.RLock()

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self.started_s

    @property
    def cpu_s(self) -> float:
        """What the agent's threads have used; the calls are part of the bot's own."""
        return self.sender_cpu_s + self.pulse_cpu_s

    def note_rate(self, now: float) -> None:
        """At each heartbeat (monotonic seconds)."""
        self.sent_per_s = (self.sent - self._sent_before) / max(0.001, now - self._beat_at)
        self._sent_before, self._beat_at = self.sent, now

    def count_handler_error(self, type_name: str) -> None:
        with self._lock:
            self._handler_errors[type_name] += 1

    def count_forged_request(self) -> None:
        with self._lock:
            self.forged_requests += 1

    def handler_errors(self) -> dict[str, int]:
        with self._lock:
            return dict(self._handler_errors)
