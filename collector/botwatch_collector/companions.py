"""Processes beside the workers, such as the one that runs the jobs: the master forks them, starts them again
when they end, and takes them along when it goes.
"""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .lifecycle import stopping

_log = logging.getLogger(__name__)

_RESTART_S = 1.0
_GRACE_S = 10.0
_PARENT_S = 0.5
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class Companion:
    """One such process. `run` is called in it and returns soon after `lifecycle.stopping` is set.

    Its name is what `ps -o comm` shows: at most 15 characters.
    """

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self._run = run
        self._pid: int | None = None
        self._started_at = float("-inf")

    def keep_running(self, listeners: Sequence[socket.socket]) -> None:
        """Start it unless it runs, at most once a second. The master's `listeners` are closed in it."""
        if self._is_running() or time.monotonic() < self._started_at + _RESTART_S:
            return
        if self._pid is not None:
            _log.warning("%s ended unexpectedly and is started again", self.name)
        self._started_at = time.monotonic()
        # A signal that comes before the child listens for it would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._pid = os.fork()
            if self._pid == 0:
                self._live(listeners)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def stop(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def await_end(self) -> None:
        """Wait until it has ended; one that takes too long is killed."""
        deadline = time.monotonic() + _GRACE_S
        while self._is_running():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
            time.sleep(0.02)

    def _is_running(self) -> bool:
        if self._pid is None:
            return False
        # The master's own round of burials may have come first: then there is nobody of that number.
        with suppress(ChildProcessError):
            return os.waitpid(self._pid, os.WNOHANG) == (0, 0)
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._is_running():
            assert self._pid is not None
            os.kill(self._pid, number)

    def _live(self, listeners: Sequence[socket.socket]) -> None:
        """What the child does; never returns."""
        status = 1
        try:
            self._settle_in(listeners)
            self._run()
            status = 0
        except Exception:
            _log.exception("%s failed", self.name)
        finally:
            sys.stderr.flush()
            # Not sys.exit: what the master registered for its own end is not the child's to do.
            os._exit(status)

    def _settle_in(self, listeners: Sequence[socket.socket]) -> None:
        for listener in listeners:
            listener.close()
        with suppress(OSError):
            Path("/proc/self/comm").write_text(self.name, encoding="ascii")
        told, teller = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in _ENDING:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(teller)
        threading.Thread(target=_end_when, args=(told, os.getppid()), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def _end_when(told: int, parent: int) -> None:
    """Set `stopping` on a signal, or when the parent is gone; then the process has some seconds to end.

    In a thread: a handler that sets the event could wait for the very thread that it has interrupted.
    """
    while os.getppid() == parent:
        if select.select([told], [], [], _PARENT_S)[0]:
            break
    stopping.set()
    time.sleep(_GRACE_S)
    os._exit(1)
