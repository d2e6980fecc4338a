"""The loop that brings the spool to the collector, and gives up nothing that the collector may still want."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from .backoff import Backoff
from .figures import Figures
from .spool.backlog import Backlog, Batch
from .spool.spool import Spool
from .version import AGENT
from .wake import Wake

if TYPE_CHECKING:
    from .config import Config
    from .transport import Answer, Transport

log = logging.getLogger("botwatch")

CONTRACT_VERSION = 1
MOST_EVENTS = 5000
FEWEST_EVENTS = 50
UNAUTHORIZED_RETRY_S = 60.0
SPACING_S = 0.2
"""Least time between two posts unless a batch is full: under load, fewer and larger batches cost less.
The first event of a quiet bot waits so long for those that come with it."""
SINGLE_REJECTIONS = 30
"""So many bad events of a batch are taken out one by one; after that the batch is given up."""


class Sender:
    """One thread runs it; `flush` and `finish` may be called from any other."""

    def __init__(self, config: Config, spool: Spool, figures: Figures, wake: Wake) -> None:
        self._config = config
        self._spool = spool
        self._figures = figures
        self._wake = wake
        self._backoff = Backoff(config.retry_s)
        self._most_events = MOST_EVENTS
        self._adopt_at = 0.0
        self._hold_until = self._posted_at = 0.0
        self._must_hold = False
        self._flush_to = 0
        self._finish_by: float | None = None
        self._progress = threading.Condition()
        self._transport: Transport | None = None
        self.is_loaded = threading.Event()
        """Set once the modules for sending are imported: a child forked in the middle of that never could."""

    def run(self) -> None:
        """The thread's body: until `finish`, and then for what the deadline leaves time."""
        try:
            self._connect()
            while self._finish_by is None:
                self.step()
                self._pause()
            self._send_last()
        except Exception:
            log.exception("botwatch stopped sending; what is not sent stays in the spool")
        finally:
            self._figures.state = "stopped"
            self._spool.close()
            if self._transport is not None:
                self._transport.close()
            self._tell_progress()

    def _connect(self) -> None:
        try:
            from .transport import Transport

            self._transport = Transport(self._config.url, self._config.token)
        finally:
            self.is_loaded.set()

    def step(self) -> None:
        """Send what waits, at most one batch of each instance; nothing while backing off."""
        self._figures.sender_cpu_s = time.thread_time()
        if time.monotonic() < self._hold_until:
            return
        try:
            self._send_round()
        except Exception as error:
            self._failed("retrying", f"{type(error).__name__}: {error}", self._backoff.failed())
            log.debug("while sending", exc_info=True)
        self._tell_progress()

    def _send_round(self) -> bool:
        """Its own events first, so that a heartbeat does not wait for old ones. False when it has to wait."""
        if not self._send_next(self._spool):
            return False
        if time.monotonic() >= self._adopt_at:
            self._adopt_at = time.monotonic() + self._config.adopt_s
            self._spool.adopt_orphans()
        sent = all(self._send_next(orphan) for orphan in self._spool.orphans)
        self._spool.release_sent_orphans()
        return sent

    def _send_next(self, source: Spool | Backlog) -> bool:
        batch = source.next_batch(self._most_events, self._config.batch_bytes)
        return batch is None or self._deliver(source, batch)

    def _deliver(self, source: Spool | Backlog, batch: Batch) -> bool:
        """True when the collector has answered for good; False when the batch has to wait."""
        from .transport import Verdict

        lines = list(batch.lines)
        answer = self._post(source, batch, lines)
        while (index := answer.event_index) is not None and index < len(lines):
            del lines[index]
            if not lines or len(batch.lines) - len(lines) > SINGLE_REJECTIONS:
                break
            answer = self._post(source, batch, lines)
        if answer.verdict is Verdict.RETRY:
            # Less the next time: a batch that takes the collector longer than the timeout would never arrive.
            self._most_events = max(FEWEST_EVENTS, self._most_events // 2)
            self._must_hold = answer.retry_after_s > 0
            self._failed("retrying", answer.why, self._backoff.failed(answer.retry_after_s))
            return False
        if answer.verdict is Verdict.UNAUTHORIZED:
            self._must_hold = True
            self._failed("unauthorized", answer.why, UNAUTHORIZED_RETRY_S)
            return False
        if answer.verdict is Verdict.TOO_LARGE and len(lines) > 1:
            self._most_events = len(lines) // 2
            return True
        if answer.verdict is not Verdict.STORED:
            self._rejected(answer.why)
            lines.clear()
        self._settled(source, batch, len(lines), answer)
        return True

    def _post(self, source: Spool | Backlog, batch: Batch, lines: list[bytes]) -> Answer:
        assert self._transport is not None
        answer = self._transport.post(self._header(source.origin, batch), lines, self._timeout_s())
        self._posted_at = time.monotonic()
        return answer

    def _header(self, origin: dict[str, Any], batch: Batch) -> dict[str, Any]:
        return {
            "v": CONTRACT_VERSION,
            "instance": origin["instance"],
            "bot": self._config.bot,
            "host": origin.get("host"),
            "pid": origin.get("pid"),
            "first_seq": batch.first_seq,
            "agent": AGENT,
            "sent_at": time.time_ns() // 1_000_000,
        }

    def _timeout_s(self) -> float:
        if self._finish_by is None:
            return self._config.timeout_s
        return max(0.05, min(self._config.timeout_s, self._finish_by - time.monotonic()))

    def _settled(self, source: Spool | Backlog, batch: Batch, stored: int, answer: Answer) -> None:
        source.acknowledge(batch)
        self._figures.sent += stored
        self._figures.duplicates += answer.duplicates
        self._figures.losses.count("rejected", len(batch.lines) - stored)
        self._most_events = min(MOST_EVENTS, self._most_events + self._most_events // 5 + 1)
        self._backoff.succeeded()
        self._must_hold = False
        if self._figures.state != "ok":
            log.info("botwatch reaches the collector again")
        self._figures.state = "ok"

    def _rejected(self, why: str) -> None:
        if why != self._figures.last_error:
            log.error("the collector refused events, which are dropped: %s", why)
        self._figures.errors += 1
        self._figures.last_error = why

    def _failed(self, state: str, why: str, hold_s: float) -> None:
        if state != self._figures.state:
            level = logging.ERROR if state == "unauthorized" else logging.WARNING
            log.log(level, "botwatch can't send and keeps its events (%s): %s", state, why)
        self._figures.state = state
        self._figures.errors += 1
        self._figures.last_error = why
        self._hold_until = time.monotonic() + hold_s
        self._spool.sync()
        self._spool.drop_older_than(self._config.spool_max_age_s, time.monotonic())

    def _pause(self) -> None:
        """Until the next batch is due. A quiet bot's first event wakes the sender, and is soon on its way."""
        while (hold_s := self._hold_until - time.monotonic()) > 0 and self._finish_by is None:
            self._wake.wait(hold_s)
        if self._is_behind():
            return
        spacing_s = min(SPACING_S, self._config.linger_s)
        self._wait_for(MOST_EVENTS, self._posted_at + spacing_s - time.monotonic())
        self._wait_for(self._config.batch_events, self._posted_at + self._config.linger_s - time.monotonic())
        if not self._spool.waiting:
            self._wait_for(1, self._config.adopt_s)
            self._wait_for(self._config.batch_events, spacing_s)

    def _is_behind(self) -> bool:
        return (
            self._spool.finished < self._flush_to
            or bool(self._spool.orphans)
            or self._spool.waiting >= self._most_events
        )

    def _wait_for(self, events: int, at_most_s: float) -> None:
        missing = events - self._spool.waiting
        if (
            missing > 0
            and at_most_s > 0
            and self._finish_by is None
            and self._spool.finished >= self._flush_to
        ):
            self._spool.wake_after(missing)
            self._wake.wait(at_most_s)

    def flush(self, timeout_s: float) -> bool:
        """Wait until nothing accepted up to now is queued any more."""
        target = self._spool.accepted
        self._flush_to = max(self._flush_to, target)
        self._wake.set()
        with self._progress:
            self._progress.wait_for(
                lambda: self._is_finished(target) or self._figures.state == "stopped", timeout_s
            )
        return self._is_finished(target)

    def _is_finished(self, target: int) -> bool:
        return self._spool.finished >= target

    def _tell_progress(self) -> None:
        with self._progress:
            self._progress.notify_all()

    def finish(self, timeout_s: float) -> None:
        """Have the thread send what it can in that time, and end."""
        self._finish_by = time.monotonic() + timeout_s
        self._wake.set()

    def _send_last(self) -> None:
        """A last attempt even while backing off: there is no later. Not when the collector asked to wait."""
        assert self._finish_by is not None
        if self._must_hold and time.monotonic() < self._hold_until:
            return
        while self._spool.waiting and time.monotonic() < self._finish_by:
            if not self._send_next(self._spool):
                return
