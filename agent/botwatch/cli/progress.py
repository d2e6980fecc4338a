"""Tells how a replay is getting on: how much is acknowledged, how fast, how much longer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from .terminal import StatusLine, harmless

if TYPE_CHECKING:
    from botwatch import Agent

_BAR_CHARS = 20


class Progress:
    """`total` is None where the end is not known beforehand."""

    def __init__(self, stream: TextIO, agent: Agent, total: int | None) -> None:
        self.given = 0
        """Messages handed to the agent."""
        self.skipped = 0
        self._agent = agent
        self._total = total
        self._line = StatusLine(stream)
        self._started = time.monotonic()

    def look(self) -> None:
        """Redraw if it is time to."""
        if self._line.is_due():
            self._line.show(self._text())

    def finish(self) -> None:
        stats = self._agent.stats()
        known = min(self.given, stats["duplicates"])
        skipped = f", {self.skipped} bad lines skipped" if self.skipped else ""
        elapsed_s = time.monotonic() - self._started
        self._line.finish(
            f"{self.given:,} messages acknowledged in {elapsed_s:.1f} s: "
            f"{self.given - known:,} stored, {known:,} known already{skipped}"
        )

    def stop(self) -> None:
        """Say what became of it when it ends before its end."""
        waiting = self._waiting()
        left = f"; {waiting:,} wait in the spool for the next start" if waiting else ""
        self._line.finish(
            f"stopped after {self.given:,} messages, {self.given - waiting:,} acknowledged{left}"
        )

    def _waiting(self) -> int:
        return min(self.given, int(self._agent.stats()["queued_events"]))

    def _text(self) -> str:
        stats = self._agent.stats()
        done = self.given - min(self.given, stats["queued_events"])
        rate = done / max(0.001, time.monotonic() - self._started)
        trouble = (
            "" if stats["state"] == "ok" else f"  {stats['state']}: {harmless(stats['last_error'] or '')}"
        )
        if self._total is None:
            return f"{done:,} messages  {rate:,.0f}/s{trouble}"
        share = done / max(1, self._total)
        bar = "█" * round(share * _BAR_CHARS)
        left = _duration((self._total - done) / rate) if rate else "?"
        return (
            f"{bar:<{_BAR_CHARS}} {share:4.0%}  {done:,}/{self._total:,}  {rate:,.0f}/s  {left} left{trouble}"
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(min(seconds, 359_999)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
