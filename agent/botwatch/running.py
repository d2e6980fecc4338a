"""What runs between start and stop: a spool, the sender's thread, the pulse's thread."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from .config import Config
from .figures import Figures
from .heartbeat import oldest_age_s
from .losses import Losses
from .pulse import Pulse
from .sender import Sender
from .spool.root import SpoolRoot
from .spool.spool import Spool
from .wake import Wake
from .watched import Watched

log = logging.getLogger("botwatch")

IMPORT_TIMEOUT_S = 5.0


class Running:
    """One process's part of an agent; a forked child makes its own."""

    def __init__(
        self, config: Config, losses: Losses, watched: Watched, update_age_s: Callable[[], float | None]
    ) -> None:
        sender_wake, pulse_wake = Wake(), Wake()
        self.figures = Figures(losses)
        self.spool = Spool(
            SpoolRoot(config.spool_dirs),
            origin(config),
            losses,
            segment_bytes=config.segment_bytes,
            max_bytes=config.spool_max_bytes,
            wake_sender=sender_wake.set,
            wake_pulse=pulse_wake.set,
        )
        self._sender = Sender(config, self.spool, self.figures, sender_wake)
        self._pulse = Pulse(
            config, self.spool, self.figures, pulse_wake, watched=watched, update_age_s=update_age_s
        )
        self._threads = (
            threading.Thread(target=self._sender.run, name="botwatch-sender", daemon=True),
            threading.Thread(target=self._pulse.run, name="botwatch-pulse", daemon=True),
        )

    def start(self) -> None:
        self._pulse.beat()
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:  # the interpreter is ending: what is accepted is sent after the next start
            log.debug("botwatch could not start its threads", exc_info=True)

    def look(self) -> None:
        self._pulse.look()

    def flush(self, timeout_s: float) -> bool:
        return self._sender.flush(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Say goodbye, send what the time allows; what is left is on disk for the next start."""
        self._pulse.end()
        self._pulse.beat(is_stopping=True)
        self._sender.finish(timeout_s)
        if self._threads[0].is_alive():
            self._threads[0].join(timeout_s)

    def wait_until_loaded(self) -> None:
        """Before a fork: a child could never import what one of our threads imports at that moment."""
        for thread, loaded in zip(
            self._threads, (self._sender.is_loaded, self._pulse.is_loaded), strict=True
        ):
            if thread.is_alive():
                loaded.wait(IMPORT_TIMEOUT_S)

    def abandon(self) -> None:
        """In a forked child: these threads are not here, and the files are the parent's."""
        self.spool.abandon()

    def stats(self) -> dict[str, Any]:
        figures, queued = self.figures, self.spool.queued()
        return {
            "state": figures.state,
            "spool": self.spool.place,
            "spool_error": str(self.spool.disk_error) if self.spool.disk_error else None,
            "accepted": self.spool.accepted,
            "sent": figures.sent,
            "sent_per_s": round(figures.sent_per_s, 3),
            "duplicates": figures.duplicates,
            "queued_events": queued.events,
            "queued_bytes": queued.size_bytes,
            "oldest_age_s": oldest_age_s(self.spool.oldest_line()),
            "errors": figures.errors,
            "last_error": figures.last_error,
            "handler_errors": figures.handler_errors(),
            "forged_requests": figures.forged_requests,
            "cpu_s": round(figures.cpu_s, 3),
            "uptime_s": round(figures.uptime_s, 3),
            "instance": self.spool.origin["instance"],
        }


def origin(config: Config) -> dict[str, Any]:
    return {
        "instance": os.urandom(12).hex(),
        "bot": config.bot,
        "host": socket.gethostname(),
        "pid": os.getpid(),
    }
