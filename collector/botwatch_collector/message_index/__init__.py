"""The index of messages, kept in step with their table.

On PostgreSQL it is an index like others, and all but `take_pending` happens by itself. On SQLite it is tables
of FTS5, which have to be told in the transaction that changes or removes messages. They take in new ones
thousands at a time, which costs two thirds of taking in each batch by itself; a search looks through the
rest, the tail.
"""

from .follow import TAIL, catch_up, follow, put_back, remove, take_tail
from .search import Source, sources
from .settle import compact, settle, settle_for_a_while, take_pending

__all__ = [
    "TAIL",
    "Source",
    "catch_up",
    "compact",
    "follow",
    "put_back",
    "remove",
    "settle",
    "settle_for_a_while",
    "sources",
    "take_pending",
    "take_tail",
]
