"""A pytest plugin: a test that never ends is ended with its process, and fails like any other.

pytest's own time limit (faulthandler_timeout in setup.cfg) comes first and prints where every thread is. This
one stands behind it, in a process of its own: it acts also when the interpreter is beyond that, as after a
crash inside a C library.
"""

import os
import subprocess
import sys
from collections.abc import Generator
from functools import cache

import pytest

LIMIT_S = 360

_WATCH = """
import os, select, signal, sys
watched, limit_s = int(sys.argv[1]), float(sys.argv[2])
said = True
while said and os.getppid() == watched:
    if select.select([0], [], [], limit_s)[0]:
        said = os.read(0, 4096)
    elif os.getppid() == watched:
        os.kill(watched, signal.SIGKILL)
"""


class Watchdog:
    """Kills the process that made it, unless `pat` is called at least every `limit_s`."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        command = [sys.executable, "-S", "-c", _WATCH, str(os.getpid()), str(limit_s)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def pat(self) -> None:
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), b".")

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def _watchdog() -> Watchdog:
    return Watchdog()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    # Whoever wants no limit (-o faulthandler_timeout=0) wants none of this either.
    if float(item.config.getini("faulthandler_timeout")):
        _watchdog().pat()
    return (yield)


def pytest_unconfigure() -> None:
    if _watchdog.cache_info().currsize:
        _watchdog().end()
