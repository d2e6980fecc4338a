"""The large tables of PostgreSQL in parts by month, made ahead of time.

Of `message`, `message_past` holds all that is older than the first month, `message_2026_11` a month, and
`message_default` what is newer than the last: clocks that are ahead. So every event has a place, and the
default part stays so small that PostgreSQL, which reads it through whenever a month is added, soon has.

Who adds or removes a part waits two seconds for a lock, and then gives up: others queue behind. The job tries
again. On SQLite there is nothing to do.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import peewee

from . import clock, db
from .config import Config

TABLES = ("message", "activity")

_log = logging.getLogger(__name__)

_AHEAD = 2
"""Months that are ready before they begin."""
_LOCK_KEY = 0x70617274  # "part": the advisory lock of whoever changes the parts
_PATIENCE = "2s"  # after one PostgreSQL ends a vacuum of its own that is in the way
_MONTH = re.compile(r"FROM \('(-?\d+)'\) TO \('(-?\d+)'\)")
_PAST = re.compile(r"FROM \(MINVALUE\) TO \('(-?\d+)'\)")


@dataclass(frozen=True)
class Month:
    """A part, and the times that it holds: from `start` up to, but not at, `end`."""

    table: str
    name: str
    start: int
    end: int


def months(table: str) -> list[Month]:
    """The months there are, oldest first; none on SQLite."""
    bounds = _bounds(table)
    found = [(name, bound) for name, text in bounds.items() if (bound := _MONTH.search(text))]
    return sorted(
        (Month(table, name, int(bound[1]), int(bound[2])) for name, bound in found),
        key=lambda month: month.start,
    )


def names() -> set[str]:
    """The tables that are parts of another."""
    return {name for table in TABLES for name in _bounds(table)}


def look_after(_: Config, now: int) -> bool:
    """The job; it never has more to do."""
    make_ahead(now)
    fold_past(now)
    return False


def prepare(now: int) -> None:
    """What a start does: make the months that are missing, unless somebody holds the tables just now."""
    try:
        make_ahead(now)
    except peewee.OperationalError as error:
        _log.warning("months to come can't be made yet, the job tries again: %s", error)


def make_ahead(now: int) -> list[Month]:
    """Make this month, the next ones, and any before them up to which nothing was made; returns them.

    Raises OperationalError when somebody holds a table for too long. Safe to repeat, and for many at once.
    """
    return [month for table in TABLES for month in _missing(table, now) if _make(month)]


def fold_past(now: int) -> list[Month]:
    """Let the oldest months that ended and are empty become a part of the past again; returns them.

    Raises OperationalError as above. Reads the past through, while others go on.
    """
    folded = []
    for table in TABLES:
        for month in months(table):
            if month.end > now or not _is_empty(month):
                break
            _fold(month)
            folded.append(month)
    return folded


def empty(month: Month, last_id: int) -> int | None:
    """Remove all of the month's rows at once, and count them; None, and nothing, if one came after `last_id`.

    Raises OperationalError as above.
    """
    count = f"SELECT count(*) FROM {month.name}"  # noqa: S608 - a name of ours
    rows = int(db.database.execute_sql(count).fetchone()[0])
    with _changing():
        _execute(f"LOCK TABLE {month.name} IN ACCESS EXCLUSIVE MODE")
        newer = f"SELECT EXISTS (SELECT 1 FROM {month.name} WHERE id > {last_id})"  # noqa: S608
        if db.database.execute_sql(newer).fetchone()[0]:
            return None
        _execute(f"TRUNCATE {month.name}")
    return rows


def month_of(at: int) -> int:
    """The start of the month that holds `at`, in UTC."""
    moment = clock.to_utc(at)
    return clock.to_ms(moment.replace(day=1, hour=0, minute=0, second=0))


def _bounds(table: str) -> dict[str, str]:
    """What PostgreSQL says of each part; nothing where the table is whole."""
    if not db.is_postgresql():
        return {}
    rows = db.database.execute_sql(
        "SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass(%s)",
        (table,),
    )
    return dict(rows.fetchall())


def _missing(table: str, now: int) -> Iterator[Month]:
    start = _end(table)
    for _ in range(_AHEAD):
        now = _after(now)
    while start is not None and start <= now:
        end = _after(start)
        yield Month(table, f"{table}_{clock.to_utc(start):%Y_%m}", start, end)
        start = end


def _end(table: str) -> int | None:
    """Where the last month ends, or the past where there is none; None for a table that has no such parts."""
    ends = [int(bound[1]) for text in _bounds(table).values() if (bound := _PAST.search(text))]
    ends += [month.end for month in months(table)]
    return max(ends, default=None)


def _after(at: int) -> int:
    """The start of the month after that of `at`."""
    return month_of(month_of(at) + 31 * clock.DAY)


def _make(month: Month) -> bool:
    """Whether it was not there yet. Only a reader of the default part may have to wait, and not for long."""
    table, name, default = month.table, month.name, f"{month.table}_default"
    with _changing():
        if name in _bounds(table):
            return False
        _execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        _move(default, month)
        _execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        # Once more, for what came in between.
        _move(default, month)
        _attach(month, name, str(month.start))
    return True


def _attach(month: Month, part: str, start: str) -> None:
    bounds = f"FOR VALUES FROM ({start}) TO ({month.end})"
    _execute(f"ALTER TABLE {month.table} ATTACH PARTITION {part} {bounds}")


def _move(source: str, month: Month) -> None:
    columns = _columns(month.table)
    _execute(
        f"WITH moved AS (DELETE FROM {source} WHERE occurred_at >= {month.start} "  # noqa: S608 - names of ours
        f"AND occurred_at < {month.end} RETURNING {columns}) "
        f"INSERT INTO {month.name} ({columns}) SELECT {columns} FROM moved"
    )


def _columns(table: str) -> str:
    """Those that PostgreSQL doesn't make by itself."""
    return str(
        db.database.execute_sql(
            "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            (table,),
        ).fetchone()[0]
    )


def _is_empty(month: Month) -> bool:
    query = f"SELECT EXISTS (SELECT 1 FROM {month.name})"  # noqa: S608 - a name of ours
    return not db.database.execute_sql(query).fetchone()[0]


def _fold(month: Month) -> None:
    """The past takes the month's times over. That it holds nothing newer is proven before it is locked."""
    table, past, proof = month.table, f"{month.table}_past", f"{month.table}_past_ends"
    with _changing():
        _execute(f"ALTER TABLE {past} DROP CONSTRAINT IF EXISTS {proof}")
        _execute(f"ALTER TABLE {past} ADD CONSTRAINT {proof} CHECK (occurred_at < {month.start}) NOT VALID")
    with _changing():
        _execute(f"ALTER TABLE {past} VALIDATE CONSTRAINT {proof}")
    with _changing():
        _execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        if month.name in _bounds(table) and _is_empty(month):
            _execute(f"ALTER TABLE {table} DETACH PARTITION {past}")
            _execute(f"DROP TABLE {month.name}")
            _attach(month, past, "MINVALUE")
        _execute(f"ALTER TABLE {past} DROP CONSTRAINT {proof}")


@contextmanager
def _changing() -> Iterator[None]:
    """A transaction of the only one who changes parts, and who waits for no lock for long."""
    with db.writing():
        _execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
        _execute(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
        yield


def _execute(sql: str) -> None:
    db.database.execute_sql(sql)
