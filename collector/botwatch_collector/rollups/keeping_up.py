"""Counts soon what a commit has left uncounted, because it holds up others for as long as it takes.

One commit at a time may hand out ids. Where much comes in, it leaves out what is dearest: on PostgreSQL all
counting, which another process does then in larger parts that cost less, by ids, which follow the order of
commits. SQLite lets one process write at any time, whatever it writes, so only what makes less of it helps:
a user's messages are put together in one table of users who wait, instead of being added in five each time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import peewee

from .. import damage, db, models
from ..clock import HOUR
from ..errors import Unavailable
from .apply import USER_KEYS, USER_VALUES, Counted, apply, apply_users

_AT_ONCE = 250
_MOST_WAITING = 50_000
_STEP = 20_000
# SQLite lets nobody store meanwhile: some 10 ms, and 40 where a reader waits for it.
_USERS_STEP, _USERS_STEP_OF_READER = 500, 2_000
_PATIENCE_S = 2.0
_LOCK_KEY = 0x626F7463  # "botc": the advisory lock of the one that counts

_Key = tuple[int, int, str]
_FIRST: _Key = (0, -1, "")


def counts_itself(ids: int) -> bool:
    """Whether a commit of so many ids should count its messages, if none before it wait."""
    return ids <= _AT_ONCE or not db.is_postgresql()


def leaves_users(ids: int) -> bool:
    """Whether a commit of so many ids, which counts its messages, should leave their users to others."""
    return not db.is_postgresql() and (ids > _AT_ONCE or _state().users_wait)


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
            _count_messages()


def catch_up() -> None:
    """Count all that waits by now."""
    _catch_up(None, _USERS_STEP)


def catch_up_for_reader() -> None:
    """The same for who is about to read; takes old numbers when the database lets nobody write for long."""
    with _unless_away():
        _catch_up(_PATIENCE_S, _USERS_STEP_OF_READER)


def catch_up_and_hold() -> None:
    """Count all that waits, and let nobody store or count until the transaction ends."""
    _hold()
    models.EventSequence.reserve(0)
    while _count_messages():
        pass
    after: _Key | None = _FIRST
    while after:
        after = _count_users(after, _STEP)


def keep_up() -> None:
    """The same in smaller steps, for who looks every now and then. On any number of hosts at once."""
    with _unless_away():
        _catch_up(_PATIENCE_S, _USERS_STEP)


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


def _catch_up(patience_s: float | None, users_step: int) -> None:
    upto = _state().reserved_id
    while _state().counted_id < upto:
        with db.writing(patience_s):
            _count_messages()
    after: _Key | None = _FIRST if _state().users_wait else None
    while after:
        damage.refuse()
        with db.writing(patience_s):
            after = _count_users(after, users_step)


def _count_messages() -> bool:
    """Whether there was any to count. Nobody else counts until the transaction ends."""
    _hold()
    now = _state()
    if now.counted_id == now.reserved_id:
        return False
    rows = db.database.execute_sql(
        # Names and numbers of ours. Peewee's own rows would cost three times as much.
        f"SELECT id, {', '.join(Counted._fields)} FROM message "  # noqa: S608
        f"WHERE id > {now.counted_id} AND id <= {now.reserved_id} ORDER BY id LIMIT {_STEP}"
    ).fetchall()
    apply(row[1:] for row in rows)
    counted_id = now.reserved_id if len(rows) < _STEP else rows[-1][0]
    models.EventSequence.update(counted_id=counted_id).execute()
    return True


def _count_users(after: _Key, most: int) -> _Key | None:
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


class _State(NamedTuple):
    """How far ids are reserved, how far messages are counted, and whether any users wait for that."""

    reserved_id: int
    counted_id: int
    users_wait: bool


def _state() -> _State:
    # Asked by every reader: not written anew each time.
    query = "SELECT reserved_id, counted_id, EXISTS (SELECT 1 FROM user_waiting) FROM event_sequence"
    return _State(*db.database.execute_sql(query).fetchone())
