"""The index of messages, kept in step with their table.

On PostgreSQL it is an index like others, and all of this happens by itself. On SQLite it is a table of FTS5,
which has to be told in the transaction that changes or removes messages. It takes in new ones thousands at a
time, which costs two thirds of taking in each batch by itself; a search looks through the rest, the tail.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from . import db
from .models import Message

TAIL = 5_000
"""How many may wait. A search with so many takes 20 ms more, and the commit that takes them in 20 to 50: 400
where FTS5 merges parts of a million messages on the way."""

_MERGED_PAGES = 200
# By the numbers handed out, of which not all are messages'.
_IS_BEHIND = "SELECT upto < reserved_id FROM message_index_state, event_sequence"
# As the index is declared, without what it keeps for changes: in the memory of the connection that asks.
_MAKE_TAIL = """
CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_tail USING fts5 (
    text, marks, content = '', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
)
"""
_FILL_TAIL = """
INSERT INTO temp.message_tail (rowid, text, marks) SELECT id, text, marks FROM message_indexed
WHERE id > (SELECT upto FROM message_index_state) ORDER BY id
"""
_EMPTY_TAIL = "INSERT INTO temp.message_tail (message_tail) VALUES ('delete-all')"
_OF_IDS = "id, text, marks FROM message_indexed WHERE id IN (SELECT value FROM json_each(?))"
_STEP = """
UPDATE message_index_state SET upto = (
    SELECT max(id) FROM (SELECT id FROM message WHERE id > message_index_state.upto ORDER BY id LIMIT 2000)
) WHERE EXISTS (SELECT 1 FROM message WHERE id > message_index_state.upto)
"""


def follow(least: int = 1) -> None:
    """Take in all messages up to the last id handed out, if so many ids or more wait for it."""
    if not db.is_postgresql():
        # A trigger does it, and for what was stored by who didn't know of the index too.
        db.database.execute_sql(
            """UPDATE message_index_state SET upto = reserved_id FROM event_sequence
            WHERE upto + ? <= reserved_id""",
            (least,),
        )


def catch_up() -> None:
    """The same in steps, each a transaction, where many may be missing."""
    is_behind = not db.is_postgresql()
    while is_behind:
        with db.writing():
            is_behind = db.database.execute_sql(_STEP).rowcount > 0


def take_tail() -> None:
    """The same in a transaction of its own, when any wait."""
    if _is_behind():
        with db.writing():
            follow()


@contextmanager
def tail() -> Iterator[bool]:
    """While the block runs, this connection finds in `message_tail` what the index has not taken in yet.

    Whether there is such. What is taken in meanwhile stands in both.
    """
    if not _is_behind():
        yield False
        return
    db.database.execute_sql(_MAKE_TAIL)
    try:
        db.database.execute_sql(_FILL_TAIL)
        yield True
    finally:
        db.database.execute_sql(_EMPTY_TAIL)


def remove(chosen: Any) -> list[int]:
    """Before these messages change or leave: what they say still is looked up. Their ids."""
    rows: Any = Message.select(Message.id).where(chosen).tuples()
    ids = [row[0] for row in rows]
    if not db.is_postgresql():
        follow()
        _write("(message_index, rowid, text, marks) SELECT 'delete',", ids)
    return ids


def put_back(ids: Sequence[int]) -> None:
    """After these messages have changed."""
    if not db.is_postgresql():
        _write("(rowid, text, marks) SELECT", ids)


def compact() -> None:
    """Take out of the index for good what was removed from it: until then its parts may hold the words still.

    In steps, for ingest to go on between them. PostgreSQL makes the index anew, beside the old one.
    """
    if db.is_postgresql():
        for part in _parts():
            db.database.cursor().execute(f"REINDEX INDEX CONCURRENTLY {part}")
        return
    # A negative number begins to merge everything into one part, the same without a sign goes on with it.
    pages = -_MERGED_PAGES
    while _merge(pages) > 1:
        pages = _MERGED_PAGES


def _is_behind() -> bool:
    return not db.is_postgresql() and bool(db.database.execute_sql(_IS_BEHIND).fetchone()[0])


def _parts() -> list[str]:
    """The index's own, one for each of the table's: Citus makes no divided one anew as a whole."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_terms'::regclass"
    return [name for (name,) in db.database.execute_sql(query).fetchall()]


def _merge(pages: int) -> int:
    """How much was changed; less than two when there was nothing to do."""
    connection = db.database.connection()
    with db.writing():
        before = connection.total_changes
        db.database.execute_sql(
            "INSERT INTO message_index (message_index, rank) VALUES ('merge', ?)", (pages,)
        )
        return int(connection.total_changes - before)


def _write(how: str, ids: Sequence[int]) -> None:
    sql = f"INSERT INTO message_index {how} {_OF_IDS}"
    db.database.execute_sql(sql, (json.dumps(ids),))
