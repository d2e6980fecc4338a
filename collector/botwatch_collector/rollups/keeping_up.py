"""Counts soon what a commit has left uncounted, because it holds up others for as long as it takes.

One commit at a time may hand out ids. Where much comes in, it leaves out what is dearest: on PostgreSQL all
counting, which another process does then in larger parts that cost less, by ids, which follow the order of
commits. SQLite lets one process write at any time, whatever it writes, so only what makes less of it helps:
a user's messages are put together in one table of users who wait, instead of being added in five each time.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import peewee

from .. import damage, db, models
from ..clock import HOUR
from ..errors import Unavailable
from .apply import USER_KEYS, USER_VALUES, Counted, apply, apply_users

_AT_ONCE = 250
_MOST_WAITING = 50_000
_STEP = 20_000
# SQLite lets nobody store meanwhile: some 10 ms, and 40 where a reader waits for it. Where much waits, more.
_USERS_STEP, _USERS_STEP_OF_READER = 500, 2_000
_TURNS_OF_A_STEP = 10
# How long a reader waits for all of it, and for how long the next ones don't try where that was in vain.
_PATIENCE_S, _RESIGNED_S = 2.0, 5.0
_MOST_S = 10.0
_LOCK_KEY = 0x626F7463  # "botc": the advisory lock of the one that counts

_Key = tuple[int, int, str]
_FIRST: _Key = (0, -1, "")

# A process has but one database; those of tests have several, one after the other.
_resigned_until: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def counts_itself(ids: int) -> bool:
    """Whether a commit of so many ids should count its messages, if none before it wait."""
    return ids <= _AT_ONCE or not db.is_postgresql()


def leaves_users(messages: int) -> bool:
    """Whether a commit of so many, which counts them, should leave their users, not to overtake others."""
    return not db.is_postgresql() and (messages > _AT_ONCE or _do_any_users_wait())


def do_users_wait(bots: Sequence[int], start: int, end: int) -> bool:
    """Whether the user rollups lack anything of these times that the rollups of messages have."""
    if db.is_postgresql():
        return False
    waiting = models.UserWaiting
    about = waiting.bot_id.in_(bots) & (waiting.at > start - HOUR) & (waiting.at < end)
    return bool(waiting.select().where(about).exists())


def help_out(waiting: int) -> None:
    """Count a part, if so much waits after a commit that no more should be taken in before."""
    if waiting > _MOST_WAITING:
        with _unless_away(), db.writing(_PATIENCE_S):
            _count_waiting_messages()


def catch_up() -> None:
    """Count all that waits by now."""
    _catch_up(_USERS_STEP, None)


def catch_up_for_reader() -> None:
    """The same for who is about to read; takes old numbers when the database lets nobody write for long."""
    if time.monotonic() < _resigned_until.get(db.database.obj, 0):
        return
    is_done = False
    with _unless_away():
        _catch_up(_USERS_STEP_OF_READER, _PATIENCE_S)
        is_done = True
    if not is_done:
        _resigned_until[db.database.obj] = time.monotonic() + _RESIGNED_S


def keep_up() -> None:
    """The same as `catch_up` for who comes every now and then. On any number of hosts at once."""
    with _unless_away():
        _catch_up(_USERS_STEP, _MOST_S)


def catch_up_and_hold() -> None:
    """Count all that waits, and let nobody store or count until the transaction ends."""
    _hold()
    models.EventSequence.reserve(0)
    while _count_waiting_messages():
        pass
    after: _Key | None = _FIRST
    while after:
        after = _count_waiting_users(after, _STEP)


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


def _catch_up(users_step: int, patience_s: float | None) -> None:
    """Raises Unavailable when it takes longer than that."""
    deadline = None if patience_s is None else time.monotonic() + patience_s
    upto, counted_id = _state()
    while counted_id < upto:
        with _turn(deadline):
            _count_waiting_messages()
        _, counted_id = _state()
    after: _Key | None = _FIRST if _do_any_users_wait() else None
    for turn in count():
        if not after:
            return
        with _turn(deadline):
            after = _count_waiting_users(after, min(users_step << turn // _TURNS_OF_A_STEP, _STEP))


@contextmanager
def _turn(deadline: float | None) -> Iterator[None]:
    """The right to write, if it comes in time."""
    damage.refuse()
    left_s = None if deadline is None else deadline - time.monotonic()
    if left_s is not None and left_s <= 0:
        raise Unavailable("counting takes long")
    with db.writing(left_s):
        yield


def _count_waiting_messages() -> bool:
    """Whether there were any. Nobody else counts until the transaction ends."""
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


def _count_waiting_users(after: _Key, most: int) -> _Key | None:
    """Count users that wait behind that key; returns the last one's, or None when there are no more.

    To go through once is enough: who stands then where it has been has come since.
    """
    _hold()
    keys, mark = ", ".join(USER_KEYS), db.database.param
    which = f"FROM user_waiting WHERE ({keys}) > ({mark}, {mark}, {mark})"
    found = f"SELECT {keys}, {', '.join(USER_VALUES)} {which} ORDER BY {keys} LIMIT {most}"
    rows = db.database.execute_sql(found, after).fetchall()
    if not rows:
        return None
    apply_users({tuple(row[:3]): [*row[3:]] for row in rows})
    last = rows[-1][:3]
    db.database.execute_sql(f"DELETE {which} AND ({keys}) <= ({mark}, {mark}, {mark})", (*after, *last))
    return last if len(rows) == most else None


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


def _do_any_users_wait() -> bool:
    """None do on PostgreSQL."""
    if db.is_postgresql():
        return False
    return bool(db.database.execute_sql("SELECT EXISTS (SELECT 1 FROM user_waiting)").fetchone()[0])
