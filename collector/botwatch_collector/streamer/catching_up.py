"""Reads from the database for those who are behind what the tailer keeps.

One read serves all who wait at the same place for the same. The reads are short and few at a time, and start
between the loop's passes: a busy thread beside a pass would take the interpreter from it at every write.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .. import db
from ..stream import Frame, events_after
from .interest import Interest
from .readers import Reader

_log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 200
_READS_AT_ONCE = 2
_RETRY_S = 1.0


@dataclass(eq=False)
class Request:
    """Readers who wait for the same; `frames` and `upto` are the answer, None when there was none."""

    interest: Interest
    cursor: int
    readers: list[Reader] = field(default_factory=list)
    frames: list[Frame] | None = None
    upto: int = 0


class CatchingUp:
    """`answer` is called in another thread with each request that was read for."""

    def __init__(self, answer: Callable[[Request], None]) -> None:
        self._answer = answer
        self._waiting: dict[tuple[Interest, int], Request] = {}
        self._running = 0
        self._not_before = 0.0
        self._healthy = True
        self._threads = ThreadPoolExecutor(_READS_AT_ONCE, "botwatch-catching-up")

    def ask(self, reader: Reader) -> None:
        interest, cursor = reader.audience.interest, reader.cursor
        request = self._waiting.setdefault((interest, cursor), Request(interest, cursor))
        request.readers.append(reader)
        reader.awaits = request

    def start(self, upto: int) -> None:
        """Start reads for those who have waited longest."""
        while self._waiting and self._running < _READS_AT_ONCE and time.monotonic() >= self._not_before:
            request = self._waiting.pop(next(iter(self._waiting)))
            self._running += 1
            self._threads.submit(self._read, request, upto)

    def answered(self, request: Request) -> None:
        """To be called in the loop's thread with what `answer` was called with."""
        self._running -= 1
        if request.frames is None:
            self._not_before = time.monotonic() + _RETRY_S

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, request: Request, upto: int) -> None:
        try:
            with db.connected():
                request.frames, request.upto = read(request.interest, request.cursor, upto)
            self._healthy = True
        except Exception:
            if self._healthy:
                _log.exception("readers who are behind can't be caught up; trying again until they can")
            self._healthy = False
        self._answer(request)


def read(interest: Interest, cursor: int, upto: int) -> tuple[list[Frame], int]:
    """The next frames above `cursor`, and up to which id that is all."""
    bots = None if interest.bots is None else sorted(interest.bots)
    chunk = events_after(cursor, upto, bots, interest.filters, EVENTS_AT_ONCE)
    return chunk.frames, chunk.cursor
