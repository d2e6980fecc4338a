"""Calls a function of the bot's in a thread of its own, so that one that hangs makes nothing else wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .troubles import REMARK_LIMIT, said


class Call:
    """One call. The thread is a daemon: a function that never returns doesn't keep the bot from ending."""

    def __init__(self, function: Callable[[], Any], name: str, then: Callable[[], None]) -> None:
        self.value: Any = None
        self.trouble: str | None = None
        """What the function raised, in words: the error itself would keep its frames."""
        self.took_ms = 0.0
        self.started_s = time.monotonic()
        self._function = function
        self._then = then
        self._is_over = threading.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._is_over.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Whether it is over by then."""
        return self._is_over.wait(timeout_s)

    def _run(self) -> None:
        try:
            self.value = self._function()
        except BaseException as error:  # sys.exit() in a check is a failure of the check
            self.trouble = trouble_of(error)
        self.took_ms = round((time.monotonic() - self.started_s) * 1000, 3)
        self._is_over.set()
        self._then()


def trouble_of(error: BaseException) -> str:
    try:
        return said(error)[: 2 * REMARK_LIMIT]
    except Exception:  # its __str__ may raise anything
        return type(error).__name__
