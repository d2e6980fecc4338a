"""Keeps what was once asked of the people of a past span of time: it can't be added up from shorter ones.

An answer is right, to the last person, as long as the span has as many messages in as it had before the
asking, because messages only ever come; and as long as nobody was erased. Both are looked up each time.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from .. import db, rollups
from ..clock import DAY
from ..models import KnownBusiest, KnownUsers
from . import cache_use
from .window import Window

_KEPT_MS = 90 * DAY
_MOST_WAITING = 20_000
_AT_ONCE = 1_000

Answer = TypeVar("Answer", int, str)
Key = tuple[str, int, int]
Row = tuple[Any, int, int]


@dataclass(frozen=True)
class Kind(Generic[Answer]):
    """What is kept of a span: a column of a table, of which no more than `most` rows are kept."""

    table: type[KnownUsers] | type[KnownBusiest]
    column: str
    question: str
    most: int


# So many are the days of two years in a hundred zones: a machine asked for them, no people.
USERS = Kind[int](KnownUsers, "users", "users_of_buckets", most=100_000)
# A list takes some 2 KB.
BUSIEST = Kind[str](KnownBusiest, "busiest", "busiest_of_buckets", most=5_000)
KINDS: tuple[Kind[Any], ...] = (USERS, BUSIEST)

_lock = threading.Lock()
# What was asked and not yet written. A process has but one database; those of tests have several.
_waiting: WeakKeyDictionary[Any, dict[Kind[Any], dict[Key, Row]]] = WeakKeyDictionary()


class Known(Generic[Answer]):
    """The answers for some bots. Make it before anything is asked: it notes how many erasures there were."""

    def __init__(self, kind: Kind[Answer], bots: Sequence[int]) -> None:
        self._kind: Kind[Answer] = kind
        self._ids = bots
        self._bots = ",".join(map(str, sorted(bots)))
        self._is_behind = False
        self._erasures = KnownUsers.erasures_so_far()

    def find(self, wanted: Mapping[Window, int]) -> dict[Window, Answer]:
        """What is known of each span, given how many messages in it has. To be asked before counting."""
        found = self.look(wanted)
        missing = wanted.keys() - found.keys()
        self._is_behind = bool(missing) and rollups.do_users_wait(
            self._ids, min(span.start for span in missing), max(span.end for span in missing)
        )
        cache_use.count(self._kind.question, hits=len(found), misses=len(wanted) - len(found))
        return found

    def look(self, wanted: Mapping[Window, int]) -> dict[Window, Answer]:
        """The same, of what nobody will ask for if it isn't known."""
        windows = list(wanted)
        rows = [
            row
            for first in range(0, len(windows), _AT_ONCE)
            for row in self._rows(windows[first:][:_AT_ONCE])
        ]
        found: dict[Window, Answer] = {
            Window(start, end): answer
            for start, end, messages, answer in rows
            if wanted.get(Window(start, end)) == messages
        }
        return found | self._still_waiting(wanted)

    def _still_waiting(self, wanted: Mapping[Window, int]) -> dict[Window, Answer]:
        """What this process asked and has not written yet: who looks again soon shall not wait again."""
        with _lock:
            rows = _waiting.get(db.database.obj, {}).get(self._kind, {})
            kept = {window: rows.get((self._bots, window.start, window.end)) for window in wanted}
        return {
            window: row[0]
            for window, row in kept.items()
            if row and row[1:] == (wanted[window], self._erasures)
        }

    def _rows(self, windows: Sequence[Window]) -> Any:
        table = self._kind.table
        query: Any = table.select(
            table.start_at, table.end_at, table.messages, getattr(table, self._kind.column)
        ).where(
            table.bots == self._bots,
            table.start_at.in_([window.start for window in windows]),
            table.erasures == self._erasures,
        )
        return query.tuples()

    def keep(self, window: Window, answer: Answer, messages: int) -> None:
        """For the next reader; `messages` is what there was before this was asked.

        Nothing is kept of who could count the messages and not yet their users.
        """
        if self._is_behind:
            return
        with _lock:
            rows = _waiting.setdefault(db.database.obj, {}).setdefault(self._kind, {})
            if len(rows) < _MOST_WAITING:
                rows[self._bots, window.start, window.end] = (answer, messages, self._erasures)


def write(now: int, most: int | None = None) -> None:
    """Write what waits, each kind in a transaction of its own. What can't be written is asked again some day.

    `most` instead of the limit of each kind.
    """
    with _lock:
        waiting = _waiting.pop(db.database.obj, {})
    for kind, rows in waiting.items():
        _write(kind, rows, now, most or kind.most)


def _write(kind: Kind[Any], rows: Mapping[Key, Row], now: int, most: int) -> None:
    table = kind.table
    oldest_at = now if table.select().count() >= most else now - _KEPT_MS
    with db.writing():
        # Who is erased must not come back with a list: to note an erasure waits for this, or this for it.
        if db.is_postgresql():
            db.database.execute_sql(f"LOCK TABLE {table._meta.table_name} IN SHARE ROW EXCLUSIVE MODE")
        erasures = KnownUsers.erasures_so_far()
        table.delete().where(table.counted_at < oldest_at).execute()
        db.insert_rows(
            table,
            ("bots", "start_at", "end_at", kind.column, "messages", "erasures", "counted_at"),
            [(*key, *row, now) for key, row in sorted(rows.items()) if row[-1] == erasures],
            f"""ON CONFLICT (bots, start_at, end_at) DO UPDATE SET {kind.column} = excluded.{kind.column},
            messages = excluded.messages, erasures = excluded.erasures, counted_at = excluded.counted_at""",
        )
