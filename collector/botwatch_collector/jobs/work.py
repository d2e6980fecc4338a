"""The process that runs the jobs: looks every few seconds for one that is due, however the last one ended."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Sequence

from .. import clock, counters, damage, db, message_index
from ..clock import MINUTE
from ..config import Config
from ..lifecycle import stopping
from ..upkeep import slow
from . import behind, claims
from .declared import JOBS, Job

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
_RETRY_MS = 5 * MINUTE


def work(config: Config) -> None:
    """Run jobs until `lifecycle.stopping` is set."""
    slow.watch(db.connect(config.database, connections=4), config.slow_query_ms)
    beside = behind.start(stopping)
    shift = Shift(config)
    while not stopping.is_set():
        has_more = shift.step(clock.now())
        stopping.wait(0 if has_more else _LOOK_S)
    for thread in beside:
        thread.join()
    db.database.close_all()


class Shift:
    """One worker's turns at the jobs."""

    def __init__(self, config: Config, jobs: Sequence[Job] = JOBS) -> None:
        self._config = config
        self._jobs = jobs
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._registered = False
        self._healthy = True

    def step(self, now: int) -> bool:
        """Run what is due; whether a job that ran has more to do. Only logs when the database is away."""
        try:
            with db.connected():
                behind = self._run_due(now)
                counters.flush()
                slow.flush()
                message_index.take_tail()
                behind |= message_index.settle_for_a_while()
            self._healthy = True
        except Exception as error:
            damage.note(error)
            if self._healthy:
                _log.exception("jobs can't be run; trying again until they can")
            self._healthy = False
            return False
        return behind

    def _run_due(self, now: int) -> bool:
        damage.refuse()
        if not self._registered:
            claims.register((job.name for job in self._jobs), now)
            self._registered = True
        behind = False
        for job in self._jobs:
            if claims.claim(job.name, job.period_ms, self._name, now):
                behind |= self._run(job, now)
        return behind

    def _run(self, job: Job, now: int) -> bool:
        started = time.monotonic()
        try:
            has_more = job.run(self._config, now)
        except Exception as error:
            damage.note(error)
            _log.exception("the job %s failed", job.name)
            counters.count("botwatch_job_runs_total", job=job.name, result="failed")
            claims.fail(job.name, self._name, now + min(job.period_ms, _RETRY_MS), type(error).__name__)
            return False
        finally:
            counters.count("botwatch_job_seconds_total", time.monotonic() - started, job=job.name)
        counters.count("botwatch_job_runs_total", job=job.name, result="done")
        claims.succeed(job.name, self._name, clock.now(), now if has_more else now + job.period_ms)
        return has_more
