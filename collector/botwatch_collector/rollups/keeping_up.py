"""Counts messages into the rollups soon after they were stored, where a commit has left that to others.

One commit at a time may hand out ids, so all that a commit does holds up the others. On PostgreSQL it leaves
out the counting, half of its work, when much comes in: another process does it then, in larger parts that
cost less, by ids, which follow the order of commits. SQLite lets one process write at any time, whatever it
is: nothing is gained there, and every commit counts its own.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from .. import db, models
from ..errors import Unavailable
from .apply import Counted, apply

_AT_ONCE = 1_000
_MOST_WAITING = 50_000
_STEP = 20_000
_PATIENCE_S = 2.0
_LOOK_S, _RETRY_S = 0.5, 5.0
_LOCK_KEY = 0x626F7463  # "botc": the advisory lock of the one that counts

_log = logging.getLogger(__name__)


def counts_itself(ids: int) -> bool:
    """Whether a commit of so many ids should count its messages, if none before it wait."""
    return ids <= _AT_ONCE or not db.is_postgresql()


def help_out(waiting: int) -> None:
    """Count a part, if so much waits after a commit that no more should be taken in before."""
    if waiting > _MOST_WAITING:
        with _unless_away(), db.writing(_PATIENCE_S):
            _count_some()


def catch_up() -> None:
    """Count all that waits by now."""
    _catch_up(None)


def catch_up_for_reader() -> None:
    """The same for who is about to read; takes old numbers when the database lets nobody write for long."""
    with _unless_away():
        _catch_up(_PATIENCE_S)


def catch_up_and_hold() -> None:
    """Count all that waits, and let nobody store or count until the transaction ends."""
    _hold()
    models.EventSequence.reserve(0)
    while _count_some():
        pass


def keep_up(stopping: threading.Event) -> None:
    """Count what waits twice a second, until told to stop. On any number of hosts at once."""
    is_healthy = True
    while db.is_postgresql() and not stopping.is_set():
        try:
            with db.connected():
                catch_up_for_reader()
            is_healthy = True
        except Exception:
            if is_healthy:
                _log.exception("what is stored can't be counted; trying again until it can")
            is_healthy = False
        stopping.wait(_LOOK_S if is_healthy else _RETRY_S)


@contextmanager
def _unless_away() -> Iterator[None]:
    """Ends the block where the database lets nobody write."""
    try:
        yield
    except Unavailable:
        return
    except peewee.PeeweeException as error:
        if not db.is_outage(error):
            raise


def _catch_up(patience_s: float | None) -> None:
    upto, counted_id = _state()
    while counted_id < upto:
        with db.writing(patience_s):
            _count_some()
        _, counted_id = _state()


def _count_some() -> bool:
    """Whether there was anything to count. Nobody else counts until the transaction ends."""
    _hold()
    reserved_id, counted_id = _state()
    if counted_id == reserved_id:
        return False
    rows = db.database.execute_sql(
        # Names and numbers of ours. Peewee's own rows would cost three times as much.
        f"SELECT id, {', '.join(Counted._fields)} FROM message "  # noqa: S608
        f"WHERE id > {counted_id} AND id <= {reserved_id} ORDER BY id LIMIT {_STEP}"
    ).fetchall()
    apply(row[1:] for row in rows)
    counted_id = reserved_id if len(rows) < _STEP else rows[-1][0]
    models.EventSequence.update(counted_id=counted_id).execute()
    return True


def _hold() -> None:
    # Before ids are reserved in the same transaction, never after: who counts waits for those.
    if db.is_postgresql():
        db.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))


def _state() -> tuple[int, int]:
    """How far ids are reserved, and how far messages are counted."""
    # Asked by every reader: not written anew each time.
    query = "SELECT reserved_id, counted_id FROM event_sequence"
    found: tuple[int, int] = db.database.execute_sql(query).fetchone()
    return found
