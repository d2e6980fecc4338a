"""Waits on conditions, with patience for a busy machine."""

import time
from collections.abc import Callable

PATIENCE_S = 60


def until(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Wait for something that another thread or process does; fails when it does not come about."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
