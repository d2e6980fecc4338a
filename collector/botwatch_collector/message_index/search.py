"""What a search looks through: the parts of the index, and what they have not taken in yet, the tail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .. import db
from .follow import is_behind
from .parts import parts

# As the parts are declared, without what they keep for changes: in the memory of the connection that asks.
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


@dataclass(frozen=True)
class Source:
    """A table of FTS5, and between which times its messages are, both included."""

    table: str
    first_at: int
    last_at: int


_TAIL = Source("message_tail", -(1 << 63), (1 << 63) - 1)


@contextmanager
def sources() -> Iterator[list[Source]]:
    """While the block runs, this connection sees one moment's messages, and each in one of these.

    None on PostgreSQL.
    """
    if db.is_postgresql():
        yield []
        return
    with db.database.atomic():
        found = [
            Source(part.table, part.first_at, part.last_at)
            for part in parts()
            if part.first_at is not None and part.last_at is not None
        ]
        if not is_behind():
            yield found
            return
        db.database.execute_sql(_MAKE_TAIL)
        try:
            db.database.execute_sql(_FILL_TAIL)
            yield [*found, _TAIL]
        finally:
            db.database.execute_sql(_EMPTY_TAIL)
