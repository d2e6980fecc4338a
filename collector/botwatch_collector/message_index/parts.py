"""The parts of the index on SQLite: a table of FTS5 for each 131,072 messages or a few more, by their ids.

What FTS5 writes at once is a segment of its table. It merges segments term by term, and a term that half of
all messages have takes the longer the more there are; in a part there are never many. Nothing is merged in
the transactions that store: `settle` does it.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import db

FULL = 1 << 17
"""How many messages a part has when the next one begins. With twice as many, to merge what all of them have
takes twice as long; with half as many, a search asks twice as many parts."""

PAGES = 12
"""How much is merged at once: some milliseconds, during which nobody stores."""

_COLUMNS = "first_id, messages, first_at, last_at, is_settled"
_MAKE = """
CREATE VIRTUAL TABLE {table} USING fts5 (
    text, marks, content = 'message_indexed', content_rowid = 'id', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
)
"""
# As the migration sets them for the first. So many segments that FTS5 merges them by itself after all come
# of nothing but removing a part's messages a few at a time.
_SETTINGS = (("automerge", 0), ("usermerge", 8), ("crisismerge", 512))
_AMONG = "id IN (SELECT value FROM json_each(?))"
_DROPPED_AT_ONCE = 500
_SEGMENTS = 10
"""FTS5's rows after this one hold segments. It opens no table without those before."""


@dataclass(frozen=True)
class Part:
    """`first_at` and `last_at` are the times of its oldest and its newest message: None while it has none,
    and when it is about to go.

    A part is settled when all is merged, and no word left in it that was removed.
    """

    first_id: int
    messages: int
    first_at: int | None
    last_at: int | None
    is_settled: int

    @property
    def table(self) -> str:
        return f"message_index_{self.first_id}" if self.first_id else "message_index"

    @property
    def is_large(self) -> bool:
        """Whether it is the first, and what there was before there were parts."""
        return self.messages > 2 * FULL


def parts() -> list[Part]:
    """The oldest first; there is always one."""
    return _selected("ORDER BY first_id")


def newest() -> Part:
    """The one that takes in what comes."""
    return _selected("ORDER BY first_id DESC LIMIT 1")[0]


def find(first_id: int) -> Part | None:
    """None when it has gone."""
    return next(iter(_selected("WHERE first_id = ?", first_id)), None)


def take(after: int, upto: int) -> None:
    """Take the messages of these ids, newer than all there is, into the newest part, or begin another."""
    seen = "SELECT count(*), min(occurred_at), max(occurred_at) FROM message WHERE id > ? AND id <= ?"
    count, first_at, last_at = db.database.execute_sql(seen, (after, upto)).fetchone()
    if not count:
        return
    part = newest()
    if part.messages >= FULL:
        part = _begin(after + 1)
    _write(f"INSERT INTO {part.table} (rowid, text, marks) SELECT", "id > ? AND id <= ?", after, upto)
    known = (at for at in (part.first_at, part.last_at) if at is not None)
    times = sorted((first_at, last_at, *known))
    db.database.execute_sql(
        "UPDATE message_index_part SET messages = messages + ?, first_at = ?, last_at = ?, is_settled = 0 "
        "WHERE first_id = ?",
        (count, times[0], times[-1], part.first_id),
    )


def put(ids: Sequence[int]) -> None:
    """Put what these messages say into the parts where they belong."""
    for part, own in _by_part(ids):
        _write(f"INSERT INTO {part.table} (rowid, text, marks) SELECT", _AMONG, json.dumps(own))
        mark(part, is_settled=False)


def take_out(ids: Sequence[int]) -> None:
    """Before they change or leave: what they say still is looked up."""
    for part, own in _by_part(ids):
        removal = f"INSERT INTO {part.table} ({part.table}, rowid, text, marks) SELECT 'delete',"
        _write(removal, _AMONG, json.dumps(own))
        mark(part, is_settled=False)


def mark(part: Part, *, is_settled: bool) -> None:
    if bool(part.is_settled) != is_settled:
        change = "UPDATE message_index_part SET is_settled = ? WHERE first_id = ?"
        db.database.execute_sql(change, (is_settled, part.first_id))


def merge(part: Part, pages: int) -> bool:
    """Merge some of its segments, about so many pages; all into one if negative. Whether any are left."""
    connection = db.database.connection()
    before = connection.total_changes
    _tell(part.table, "merge", pages)
    # As FTS5 says it: less than two when there was nothing to do.
    return bool(connection.total_changes - before > 1)


def leave(part: Part) -> None:
    """Nobody asks it any more; it can go in steps."""
    change = "UPDATE message_index_part SET first_at = NULL, last_at = NULL, is_settled = 1"
    db.database.execute_sql(f"{change} WHERE first_id = ?", (part.first_id,))


def drop_some(part: Part) -> bool:
    """A few pages of one that has been left, or at last the part; whether there is more.

    All at once would take seconds for one that is large.
    """
    pages = f"{part.table}_data"
    # A name of ours.
    some = f"DELETE FROM {pages} WHERE id IN (SELECT id FROM {pages} WHERE id > ? LIMIT ?)"  # noqa: S608
    if db.database.execute_sql(some, (_SEGMENTS, _DROPPED_AT_ONCE)).rowcount:
        return True
    db.database.execute_sql(f"DROP TABLE {part.table}")
    db.database.execute_sql("DELETE FROM message_index_part WHERE first_id = ?", (part.first_id,))
    return False


def _selected(which: str, *values: int) -> list[Part]:
    rows = db.database.execute_sql(f"SELECT {_COLUMNS} FROM message_index_part {which}", values).fetchall()  # noqa: S608
    return [Part(*row) for row in rows]


def _begin(first_id: int) -> Part:
    db.database.execute_sql("INSERT INTO message_index_part VALUES (?, 0, NULL, NULL, 0)", (first_id,))
    part = newest()
    db.database.execute_sql(_MAKE.format(table=part.table))
    for setting, value in _SETTINGS:
        _tell(part.table, setting, value)
    return part


def _tell(table: str, what: str, number: int) -> None:
    db.database.execute_sql(f"INSERT INTO {table} ({table}, rank) VALUES (?, ?)", (what, number))  # noqa: S608


def _write(how: str, which: str, *values: Any) -> None:
    sql = f"{how} id, text, marks FROM message_indexed WHERE {which} ORDER BY id"
    db.database.execute_sql(sql, values)


def _by_part(ids: Sequence[int]) -> Iterator[tuple[Part, list[int]]]:
    known = parts()
    starts = [part.first_id for part in known]
    found: dict[int, list[int]] = {}
    for id_ in ids:
        found.setdefault(bisect_right(starts, id_) - 1, []).append(id_)
    return ((known[number], own) for number, own in found.items())
