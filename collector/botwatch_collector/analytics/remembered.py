"""Remembers answers about a window for five minutes: for the next reader of it, and for the page after.

An answer belongs to what the database said before it was asked: how many messages the window had, and how
many erasures there had been. With one message more, whichever process stored it, that is another question. So
nobody is shown an old answer, and no answer has to be thrown away.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import msgspec

from .. import db, rollups
from ..models import KnownUsers
from . import cache_use
from .counts import Counts
from .window import Window

LIFETIME_S = 300.0
MOST_ANSWERS = 1_000
MOST_BYTES = 16 << 20

Answer = TypeVar("Answer")


@dataclass
class _Kept:
    answer: Any
    size_bytes: int
    until: float


@dataclass
class Memory:
    """The answers of this process, those asked for last at the end."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: OrderedDict[Hashable, _Kept] = field(default_factory=OrderedDict)
    size_bytes: int = 0

    def find(self, key: Hashable, now_s: float) -> _Kept | None:
        with self.lock:
            kept = self.answers.get(key)
            if kept is None or kept.until < now_s:
                return None
            self.answers.move_to_end(key)
            return kept

    def keep(self, key: Hashable, answer: object, now_s: float) -> None:
        """The oldest leave when there are too many, or too large ones."""
        kept = _Kept(answer, len(msgspec.msgpack.encode(answer)), now_s + LIFETIME_S)
        with self.lock:
            self._drop(key)
            self.answers[key] = kept
            self.size_bytes += kept.size_bytes
            while len(self.answers) > MOST_ANSWERS or self.size_bytes > MOST_BYTES:
                self._drop(next(iter(self.answers)))

    def _drop(self, key: Hashable) -> None:
        old = self.answers.pop(key, None)
        self.size_bytes -= old.size_bytes if old else 0


# A process has but one database; those of tests have several, one after the other.
_memories: WeakKeyDictionary[Any, Memory] = WeakKeyDictionary()


def remembered(
    question: str,
    bots: Sequence[int],
    window: Window,
    counts: Counts,
    ask: Callable[[], Answer],
    *more: Hashable,
) -> Answer:
    """The answer to `ask`, which nobody may change. `counts` are those of the window, read before.

    `more` is what else the question depends on. Costs one short look into the database.
    """
    key = (question, tuple(sorted(bots)), window, counts.total, KnownUsers.erasures_so_far(), *more)
    memory = _memories.setdefault(db.database.obj, Memory())
    kept = memory.find(key, time.monotonic())
    cache_use.count(question, hits=int(kept is not None), misses=int(kept is None))
    if kept:
        found: Answer = kept.answer
        return found
    # With messages that are counted and their users are not, it would soon be wrong.
    is_behind = rollups.do_users_wait(bots, window.start, window.end)
    answer = ask()
    if not is_behind:
        memory.keep(key, answer, time.monotonic())
    return answer
