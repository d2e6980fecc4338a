"""A test that hangs beyond Python's reach does not hang the suite."""

import subprocess
import sys

from .sources import ROOT

HANG = """
import ctypes
from tests.watchdog import Watchdog

Watchdog(0.5).pat()
print("hanging", flush=True)
ctypes.PyDLL(None).pause()  # which keeps the interpreter's lock
"""


def test_process_that_no_longer_runs_python_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", HANG], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.stdout == "hanging\n"
    assert done.returncode == -9
