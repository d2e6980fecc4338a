"""Tells the index what came, what changes and what leaves."""

from collections.abc import Sequence
from typing import Any

from .. import db
from ..models import Message
from . import parts
from .settle import settle

TAIL = 1_500
"""How many may wait. A search with so many takes 6 ms more, and so does the commit that takes them in."""

# By the numbers handed out, of which not all are messages'.
_STATE = "SELECT upto, reserved_id FROM message_index_state, event_sequence"
_NEXT = "SELECT max(id) FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT 2000)"


def follow(least: int = 1) -> None:
    """Take in all messages up to the last id handed out, if so many ids or more wait for it.

    Those too that were stored by who didn't know of the index.
    """
    if not db.is_postgresql():
        upto, reserved_id = _state()
        if upto + least <= reserved_id:
            _take(upto, reserved_id)


def catch_up() -> None:
    """The same in steps, each a transaction, where many may be missing, and merge it all."""
    if db.is_postgresql():
        return
    has_more = True
    while has_more:
        with db.writing():
            has_more = _take_some()
    for _ in settle(rest=lambda _: None):
        pass


def take_tail() -> None:
    """The same in a transaction of its own, when any wait, and merge a little in another."""
    if is_behind():
        with db.writing():
            follow()
        with db.writing():
            parts.merge(parts.newest(), parts.PAGES)


def is_behind() -> bool:
    """Whether any wait."""
    if db.is_postgresql():
        return False
    upto, reserved_id = _state()
    return upto < reserved_id


def remove(chosen: Any) -> list[int]:
    """Before these messages change or leave: what they say still is looked up. Their ids."""
    rows: Any = Message.select(Message.id).where(chosen).tuples()
    ids = [row[0] for row in rows]
    if not db.is_postgresql():
        follow()
        parts.take_out(ids)
    return ids


def put_back(ids: Sequence[int]) -> None:
    """After these messages have changed."""
    if not db.is_postgresql():
        parts.put(ids)


def _state() -> tuple[int, int]:
    upto, reserved_id = db.database.execute_sql(_STATE).fetchone()
    return upto, reserved_id


def _take_some() -> bool:
    upto, _ = _state()
    (last,) = db.database.execute_sql(_NEXT, (upto,)).fetchone()
    if last is None:
        return False
    _take(upto, last)
    return True


def _take(after: int, upto: int) -> None:
    parts.take(after, upto)
    db.database.execute_sql("UPDATE message_index_state SET upto = ?", (upto,))
