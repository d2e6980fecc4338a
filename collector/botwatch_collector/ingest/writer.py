"""Group commit: one thread stores all batches that wait when its turn comes, in one transaction, and answers
them together.

A batch is answered only after its transaction is on disk. Who finds the queue full, or the database in
trouble, is asked to come back, and keeps its data.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import damage, db
from ..config import Limits, Timeouts
from ..errors import Unavailable
from .queue import Queue, Waiting
from .store import Incoming, Outcome, probe, store

_log = logging.getLogger(__name__)

_END_S = 10.0


@dataclass(frozen=True)
class Commit:
    """What one transaction stored, and how long it took."""

    batches: Sequence[Incoming]
    outcomes: Sequence[Outcome]
    seconds: float


class Writer:
    """One for each process. `after_commit` is called in the writer's thread and must not raise."""

    def __init__(
        self,
        limits: Limits,
        after_commit: Callable[[Commit], None] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._limits = limits
        self._timeouts = timeouts or Timeouts()
        self._after_commit = after_commit
        self._queue = Queue(limits.waiting_events)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_in_trouble = False

    @property
    def queued_events(self) -> int:
        """Events that wait for their transaction."""
        return self._queue.events

    def submit(self, incoming: Incoming) -> Outcome:
        """Store a batch and wait for it.

        Raises Unavailable when the queue is full, the database doesn't take it, or it took too long; then it
        may or may not be stored, and sending it again is safe.
        """
        waiting = Waiting(incoming)
        self._queue.put(waiting)
        self._start()
        if not waiting.done.wait(self._limits.ingest_wait_s):
            self._queue.give_up(waiting)
            self._is_in_trouble = True
            raise Unavailable("the database is slow; what was sent may be stored already", retry_after_s=5)
        if waiting.error:
            raise waiting.error
        assert waiting.outcome is not None
        return waiting.outcome

    def is_storing(self) -> bool:
        """Whether the database takes events. Tries it after a failure; needs a connection then."""
        if self._is_in_trouble:
            damage.refuse()
            probe()
            self._recover()
        return True

    def close(self, timeout_s: float = _END_S) -> None:
        """Take nothing more, and store what waits, for as long as that may take. Safe to repeat."""
        self._queue.close()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="botwatch-writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while group := self._queue.take_group():
            try:
                self._store(group, self._queue.add_to)
            except Exception:
                _log.exception("the writer could not store a group of batches")
                _fail(group, Unavailable("storing failed; the collector's log says why", retry_after_s=10))
            finally:
                self._queue.finish(group)
        db.database.close()

    def _store(self, group: list[Waiting], add_to: Callable[[list[Waiting]], list[Waiting]]) -> None:
        try:
            self._commit(group, add_to)
            self._recover()
        except Unavailable as error:
            self._is_in_trouble = True
            _fail(group, error)
        except Exception as error:
            if damage.note(error) or db.is_outage(error):
                self._put_off(group, error)
                return
            if len(group) == 1:
                raise
            # One batch must not take the others with it.
            for waiting in group:
                self._store_alone(waiting)

    def _recover(self) -> None:
        if self._is_in_trouble:
            _log.info("the database takes events again")
        self._is_in_trouble = False

    def _put_off(self, group: list[Waiting], error: Exception) -> None:
        if not self._is_in_trouble:
            _log.warning("the database does not take events: %s", error)
        self._is_in_trouble = True
        db.forget_idle_connections()
        _fail(group, Unavailable("the database does not take events at present", retry_after_s=2))

    def _store_alone(self, waiting: Waiting) -> None:
        try:
            self._store([waiting], lambda _: [])
        except Exception as error:
            _log.exception("a batch of bot %s could not be stored", waiting.incoming.bot_id)
            waiting.error = Unavailable(f"storing failed ({type(error).__name__})", retry_after_s=60)

    def _commit(self, group: list[Waiting], add_to: Callable[[list[Waiting]], list[Waiting]]) -> None:
        damage.refuse()
        started = time.monotonic()
        with db.connection_kept():
            outcomes = store(_batches(group), self._timeouts, lambda: _batches(add_to(group)))
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome
        if self._after_commit:
            self._after_commit(Commit(_batches(group), outcomes, time.monotonic() - started))


def _batches(group: list[Waiting]) -> list[Incoming]:
    return [waiting.incoming for waiting in group]


def _fail(group: list[Waiting], error: Exception) -> None:
    for waiting in group:
        if waiting.outcome is None:
            waiting.error = error
