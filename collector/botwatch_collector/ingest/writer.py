"""Group commit: one thread stores all batches that wait, in one transaction, and answers them together.

A batch is answered only after its transaction is on disk. The queue is bounded; when it is full the sender is
asked to come back, and keeps its data.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import peewee

from .. import db
from ..config import Limits
from ..errors import Unavailable
from .store import Incoming, Outcome, store

_log = logging.getLogger(__name__)

_GROUP_EVENTS = 10_000


@dataclass(frozen=True)
class Commit:
    """What one transaction stored, and how long it took."""

    batches: Sequence[Incoming]
    outcomes: Sequence[Outcome]
    seconds: float


@dataclass
class _Waiting:
    incoming: Incoming
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    error: Exception | None = None


class Writer:
    """One for each process. `after_commit` is called in the writer's thread and must not raise."""

    def __init__(self, limits: Limits, after_commit: Callable[[Commit], None] | None = None) -> None:
        self._limits = limits
        self._after_commit = after_commit
        self._waiting: deque[_Waiting] = deque()
        self._events = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def queued_events(self) -> int:
        """Events that wait for their transaction."""
        return self._events

    def submit(self, incoming: Incoming) -> Outcome:
        """Store a batch and wait for it.

        Raises Unavailable when the queue is full, the database doesn't take it, or it took too long; then it
        may or may not be stored, and sending it again is safe.
        """
        waiting = _Waiting(incoming)
        with self._wake:
            if self._events + len(incoming.batch.events) > self._limits.waiting_events:
                raise Unavailable("too many events are waiting to be stored", retry_after_s=2)
            self._waiting.append(waiting)
            self._events += len(incoming.batch.events)
            self._start()
            self._wake.notify()
        if not waiting.done.wait(self._limits.ingest_wait_s):
            raise Unavailable("the database is slow; what was sent may be stored already", retry_after_s=5)
        if waiting.error:
            raise waiting.error
        assert waiting.outcome is not None
        return waiting.outcome

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="botwatch-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting)
                group = self._take_group()
            try:
                self._store(group)
            except Exception:
                _log.exception("the writer could not store a group of batches")
                _fail(group, Unavailable("storing failed; the collector's log says why", retry_after_s=10))
            finally:
                with self._wake:
                    self._events -= sum(len(waiting.incoming.batch.events) for waiting in group)
                for waiting in group:
                    waiting.done.set()

    def _take_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        events = len(group[0].incoming.batch.events)
        while self._waiting and events < _GROUP_EVENTS:
            waiting = self._waiting.popleft()
            events += len(waiting.incoming.batch.events)
            group.append(waiting)
        return group

    def _store(self, group: list[_Waiting]) -> None:
        try:
            self._commit(group)
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            _log.warning("the database does not take events: %s", error)
            _forget_connection()
            _fail(group, Unavailable("the database does not take events at present", retry_after_s=5))
        except Exception:
            if len(group) == 1:
                raise
            # One batch must not take the others with it.
            for waiting in group:
                self._store_alone(waiting)

    def _store_alone(self, waiting: _Waiting) -> None:
        try:
            self._store([waiting])
        except Exception as error:
            _log.exception("a batch of bot %s could not be stored", waiting.incoming.bot_id)
            waiting.error = Unavailable(f"storing failed ({type(error).__name__})", retry_after_s=60)

    def _commit(self, group: list[_Waiting]) -> None:
        started = time.monotonic()
        batches = [waiting.incoming for waiting in group]
        with db.connected():
            outcomes = store(batches)
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome
        if self._after_commit:
            self._after_commit(Commit(batches, outcomes, time.monotonic() - started))


def _fail(group: list[_Waiting], error: Exception) -> None:
    for waiting in group:
        if waiting.outcome is None:
            waiting.error = error


def _forget_connection() -> None:
    """A broken connection would be handed out again; the pool makes a new one."""
    db.database.close_idle()
