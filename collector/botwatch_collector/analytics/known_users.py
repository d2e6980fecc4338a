"""Keeps how many people wrote in past buckets, once that was counted: it can't be added up from shorter ones.

A number is right, to the last person, as long as the bucket has as many messages in as it had before the
counting, because messages only ever come; and as long as nobody was erased. Both are looked up each time.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from .. import db
from ..clock import DAY
from ..models import KnownUsers
from . import cache_use
from .window import Window

_KEPT_MS = 90 * DAY
_MOST_KEPT, _MOST_WAITING = 100_000, 20_000
_AT_ONCE = 1_000
QUESTION = "users_of_buckets"

Key = tuple[str, int, int]


_lock = threading.Lock()
# What was counted and not yet written. A process has but one database; those of tests have several.
_waiting: WeakKeyDictionary[Any, dict[Key, tuple[int, int, int]]] = WeakKeyDictionary()


class KnownCounts:
    """The numbers of some bots. Make it before anything is counted: it notes how many erasures there were."""

    def __init__(self, bots: Sequence[int]) -> None:
        self._bots = ",".join(map(str, sorted(bots)))
        self._erasures = KnownUsers.erasures_so_far()

    def find(self, wanted: Mapping[Window, int]) -> dict[Window, int]:
        """How many wrote in each window that is known, given how many messages in it has."""
        windows = list(wanted)
        rows = [
            row
            for first in range(0, len(windows), _AT_ONCE)
            for row in self._rows(windows[first:][:_AT_ONCE])
        ]
        found = {
            Window(start, end): users
            for start, end, messages, users in rows
            if wanted.get(Window(start, end)) == messages
        }
        found |= self._still_waiting(wanted)
        cache_use.count(QUESTION, hits=len(found), misses=len(wanted) - len(found))
        return found

    def _still_waiting(self, wanted: Mapping[Window, int]) -> dict[Window, int]:
        """What this process counted and has not written yet: who looks again soon shall not wait again."""
        with _lock:
            rows = _waiting.get(db.database.obj, {})
            kept = {window: rows.get((self._bots, window.start, window.end)) for window in wanted}
        return {
            window: row[0]
            for window, row in kept.items()
            if row and row[1:] == (wanted[window], self._erasures)
        }

    def _rows(self, windows: Sequence[Window]) -> Any:
        query: Any = KnownUsers.select(
            KnownUsers.start_at, KnownUsers.end_at, KnownUsers.messages, KnownUsers.users
        ).where(
            KnownUsers.bots == self._bots,
            KnownUsers.start_at.in_([window.start for window in windows]),
            KnownUsers.erasures == self._erasures,
        )
        return query.tuples()

    def keep(self, window: Window, users: int, messages: int) -> None:
        """For the next reader; `messages` is what there was before these were counted."""
        with _lock:
            rows = _waiting.setdefault(db.database.obj, {})
            if len(rows) < _MOST_WAITING:
                rows[self._bots, window.start, window.end] = (users, messages, self._erasures)


def write(now: int, most: int = _MOST_KEPT) -> None:
    """Write what waits, in a transaction of its own. What can't be written is counted again some day."""
    with _lock:
        rows = _waiting.pop(db.database.obj, None)
    if not rows:
        return
    # So many are the days of two years in a hundred zones: a machine asked for them, no people.
    oldest_at = now if KnownUsers.select().count() >= most else now - _KEPT_MS
    with db.writing():
        KnownUsers.delete().where(KnownUsers.counted_at < oldest_at).execute()
        db.insert_rows(
            KnownUsers,
            ("bots", "start_at", "end_at", "users", "messages", "erasures", "counted_at"),
            [(*key, *row, now) for key, row in sorted(rows.items())],
            """ON CONFLICT (bots, start_at, end_at) DO UPDATE SET users = excluded.users,
            messages = excluded.messages, erasures = excluded.erasures, counted_at = excluded.counted_at""",
        )
