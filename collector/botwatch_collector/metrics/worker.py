"""Keeps this process's counts and present readings in the database, where every scrape finds them."""

import atexit
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping

from .. import clock, counters, db
from ..analytics import known
from ..clock import DAY, SECOND
from ..models import CollectorWorker
from ..upkeep import slow

_log = logging.getLogger(__name__)

_PERIOD_S = 5.0
_SEEN_EVERY_MS = 30 * SECOND
_FORGOTTEN_MS = DAY

Gauges = Mapping[str, Callable[[], float]]


class Worker:
    """One for each process; start it after the fork. Its end writes what was still counted."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._id = uuid.uuid4().hex
        self._pid = os.getpid()
        self._started_at = clock.now()
        self._written: dict[str, float] | None = None
        self._seen_at = 0
        self._healthy = True
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="botwatch-counters", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Write the last counts, take this worker's row away. Safe to repeat; a forked child does neither."""
        if os.getpid() != self._pid or self._ending.is_set():
            return
        self._ending.set()
        self._thread.join()
        try:
            with db.connected():
                counters.flush()
                slow.flush()
                with db.writing():
                    CollectorWorker.delete().where(CollectorWorker.id == self._id).execute()
        except Exception:
            _log.exception("the last counts of this process could not be written")

    def step(self, now: int) -> None:
        """Write what was counted, and the readings when they changed or were written long ago."""
        counters.flush()
        known.write(now)
        slow.flush()
        gauges = {name: float(read()) for name, read in self._gauges.items()}
        if gauges == self._written and 0 <= now - self._seen_at < _SEEN_EVERY_MS:
            return
        with db.writing():
            self._write(gauges, now)
        self._written, self._seen_at = gauges, now

    def _write(self, gauges: dict[str, float], now: int) -> None:
        if self._written is None:
            # Rows of workers that were killed.
            CollectorWorker.delete().where(CollectorWorker.seen_at < now - _FORGOTTEN_MS).execute()
        CollectorWorker.insert(
            id=self._id,
            host=socket.gethostname(),
            pid=self._pid,
            started_at=self._started_at,
            seen_at=now,
            gauges=gauges,
        ).on_conflict(
            conflict_target=[CollectorWorker.id],
            update={CollectorWorker.seen_at: now, CollectorWorker.gauges: gauges},
        ).execute()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with db.connected():
                    self.step(clock.now())
                self._healthy = True
            except Exception:
                if self._healthy:
                    _log.exception("counts can't be written; they are kept until they can")
                self._healthy = False
            self._ending.wait(_PERIOD_S)
