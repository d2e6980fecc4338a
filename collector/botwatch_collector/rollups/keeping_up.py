"""Counts messages into the rollups soon after they were stored, where a commit has left that to others.

Commits follow one another, and half of what one does for a message would be to count it. When much comes in,
commits leave that to another process, which counts by ids, as these follow the order of commits. It needs the
right to write for less, because it reads and counts before it asks for that, and more messages at once.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from .. import damage, db, models
from ..errors import Unavailable
from .apply import Counted, Counts, count, write

_AT_ONCE = 1_000
_MOST_WAITING = 50_000
_PART = 20_000
_PATIENCE_S = 2.0
_LOOK_S, _RETRY_S = 0.5, 5.0
_COUNTING = "counting"

_log = logging.getLogger(__name__)


def counts_itself(ids: int) -> bool:
    """Whether a commit of so many ids should count its messages, if none before it wait."""
    return ids <= _AT_ONCE


def help_out(waiting: int) -> None:
    """Count a part, if so much waits after a commit that no more should be taken in before."""
    if waiting > _MOST_WAITING:
        with _unless_away():
            _count_some(_PATIENCE_S)


def catch_up() -> None:
    """Count all that waits by now."""
    _catch_up(None)


def catch_up_for_reader() -> None:
    """The same for who is about to read; takes old numbers when the database lets nobody write for long."""
    with _unless_away():
        _catch_up(_PATIENCE_S)


@contextmanager
def all_counted() -> Iterator[None]:
    """A transaction in which nothing waits to be counted, and nobody else stores or counts."""
    with db.alone(_COUNTING), db.writing():
        models.EventSequence.reserve(0)
        while part := _next_part():
            _write(*part)
        yield


def keep_up(stopping: threading.Event) -> None:
    """Count what waits twice a second, until told to stop. On any number of hosts at once."""
    is_healthy = True
    while not stopping.is_set():
        try:
            with db.connected():
                catch_up_for_reader()
            is_healthy = True
        except Exception as error:
            damage.note(error)
            if is_healthy:
                _log.exception("what is stored can't be counted; trying again until it can")
            is_healthy = False
        stopping.wait(_LOOK_S if is_healthy else _RETRY_S)


@contextmanager
def _unless_away() -> Iterator[None]:
    """Ends the block where the database lets nobody write."""
    try:
        yield
    except (Unavailable, OSError):
        return
    except peewee.PeeweeException as error:
        if not db.is_outage(error):
            raise


def _catch_up(patience_s: float | None) -> None:
    upto, counted_id = _state()
    while counted_id < upto:
        _count_some(patience_s)
        _, counted_id = _state()


def _count_some(patience_s: float | None) -> None:
    # Before ids are reserved in a transaction, never after: who counts waits for those.
    with db.alone(_COUNTING, patience_s):
        if part := _next_part():
            with db.writing(patience_s):
                _write(*part)


def _next_part() -> tuple[Counts, int] | None:
    """The counts of some messages that wait, and up to which id; None when there are none."""
    reserved_id, counted_id = _state()
    if counted_id == reserved_id:
        return None
    rows = db.database.execute_sql(
        # Names and numbers of ours. Peewee's own rows would cost three times as much.
        f"SELECT id, {', '.join(Counted._fields)} FROM message "  # noqa: S608
        f"WHERE id > {counted_id} AND id <= {reserved_id} ORDER BY id LIMIT {_PART}"
    ).fetchall()
    return count(row[1:] for row in rows), reserved_id if len(rows) < _PART else rows[-1][0]


def _write(counts: Counts, upto: int) -> None:
    write(counts)
    models.EventSequence.update(counted_id=upto).execute()


def _state() -> tuple[int, int]:
    """How far ids are reserved, and how far messages are counted."""
    # Asked by every reader: not written anew each time.
    query = "SELECT reserved_id, counted_id FROM event_sequence"
    found: tuple[int, int] = db.database.execute_sql(query).fetchone()
    return found
