"""The thread that never waits for the network: heartbeats, samples, checks, hangs, and the next segment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .heartbeat import event_body, heartbeat_body
from .wake import Wake
from .watchdog import Watchdog

if TYPE_CHECKING:
    from .config import Config
    from .figures import Figures
    from .sampler import Sampler
    from .spool.spool import Spool
    from .watched import Watched

log = logging.getLogger("botwatch")


class Pulse:
    def __init__(
        self,
        config: Config,
        spool: Spool,
        figures: Figures,
        wake: Wake,
        *,
        watched: Watched,
        update_age_s: Callable[[], float | None],
    ) -> None:
        self._config = config
        self._spool = spool
        self._figures = figures
        self._wake = wake
        self._watched = watched
        self._update_age_s = update_age_s
        self._is_ending = False
        self.is_loaded = threading.Event()
        """Set once the modules for sampling are imported; see `Sender.is_loaded`."""
        self._has_failed = False
        self._sampler: Sampler | None = None
        self._heartbeat_at = time.monotonic()
        self._sample_at = time.monotonic() + config.sample_s
        self._watchdog = Watchdog(config, watched)

    def run(self) -> None:
        """The thread's body, until `end`. The first heartbeat was sent with `beat` before."""
        self._heartbeat_at += self._config.heartbeat_s
        self._careful(self._start_sampling)
        while not self._is_ending:
            self.step()
            self._wake.wait(self._due_s() - time.monotonic())

    def _due_s(self) -> float:
        checks = (check.due_s for check in self._watched.checks.copy().values())
        return min(self._heartbeat_at, self._sample_at, self._watchdog.due_s, *checks)

    def _careful(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            if not self._has_failed:
                log.exception("botwatch could not look at the bot; it goes on trying")
            self._has_failed = True

    def _start_sampling(self) -> None:
        try:
            from .sampler import Sampler

            self._sampler = Sampler(self._watched)
        finally:
            self.is_loaded.set()

    def step(self) -> None:
        """Do what is due. What fails doesn't keep the rest from being done, least of all the heartbeat."""
        for part in (self._look, self._ask, self._sample, self._beat, self._spool.prepare):
            self._careful(part)
        self._figures.pulse_cpu_s = time.thread_time()

    def _look(self) -> None:
        for body in self._watchdog.step(time.monotonic()):
            self._spool.append(body)

    def _ask(self) -> None:
        for check in self._watched.checks.copy().values():
            told = check.step(time.monotonic(), self._watched, self._config.privacy, self._wake.set)
            if told is not None:
                self._spool.append(told)

    def _sample(self) -> None:
        now = time.monotonic()
        if now < self._sample_at:
            return
        self._sample_at = now + self._config.sample_s
        if self._sampler is not None:
            reading = self._sampler.sample()
            reading["uptime_s"] = round(self._figures.uptime_s, 3)
            reading["update_age_s"] = self._update_age_s()
            self._spool.append(event_body("sample", reading))

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + self._config.heartbeat_s
            self._figures.note_rate(now)
            self.beat()

    def beat(self, *, is_stopping: bool = False) -> None:
        body = heartbeat_body(
            self._config,
            self._figures,
            self._spool,
            self._watched,
            self._update_age_s(),
            is_stopping=is_stopping,
        )
        self._spool.append(body)

    def look(self) -> None:
        """Something was added to what is watched."""
        self._wake.set()

    def end(self) -> None:
        self._is_ending = True
        self._wake.set()
