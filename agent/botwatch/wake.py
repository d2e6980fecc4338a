"""Wakes a thread that waits. Unlike threading.Event, it may be set from a signal handler at any moment."""

from __future__ import annotations

import queue


class Wake:
    def __init__(self) -> None:
        # Looked up now: gevent may have replaced it since our import, and the old one stops all greenlets.
        self._queue: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        self._queue.put(None)

    def wait(self, timeout_s: float) -> None:
        """Return when woken, or after the time; what was set before counts once."""
        try:
            self._queue.get(timeout=max(0.0, timeout_s))
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            return
