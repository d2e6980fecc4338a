"""The connection to the database, and the few things that SQLite and PostgreSQL do differently."""

import fcntl
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from .errors import ConfigurationError, Unavailable

database = peewee.DatabaseProxy()
"""What every model is bound to; `connect` says which database that is."""

COMMITTED = "botwatch_committed"
"""The channel on which PostgreSQL tells all hosts of a commit."""

_PATIENCE_S = 20.0
_READ_ONLY = "25006"
# Peewee's, and what its cursor lets through while rows are fetched.
_OUTAGES = (peewee.OperationalError, peewee.InterfaceError, sqlite3.OperationalError)
# The driver's own cursor raises the driver's own errors.
_peewees_errors = peewee.__exception_wrapper__  # type: ignore[attr-defined]

_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    # 16 MB instead of 4: pages that every commit changes are written back a quarter as often.
    "wal_autocheckpoint": 4_000,
    "busy_timeout": 10_000,
    "foreign_keys": 1,
    "cache_size": -32_000,
    "temp_store": "memory",
}


def connect(url: str, *, connections: int = 40) -> peewee.Database:
    """Bind the models to the database at `url`; opens no connection yet, so that it is safe before a fork."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        opened = _sqlite(url, connections)
    elif scheme in ("postgresql", "postgres"):
        opened = _postgresql(url, connections)
    else:
        raise ConfigurationError(
            f"BOTWATCH_DATABASE: expected sqlite:///... or postgresql://..., got {scheme or url!r}"
        )
    database.initialize(opened)
    return opened


def is_postgresql() -> bool:
    """Which of the two the models are bound to."""
    return isinstance(database.obj, peewee.PostgresqlDatabase)


def dialect() -> str:
    """The name of the folder in `sql/migrations`."""
    return "postgresql" if is_postgresql() else "sqlite"


@contextmanager
def connected() -> Iterator[None]:
    """A connection for this thread while the block runs; given back to the pool after it."""
    with database.connection_context():
        yield


@contextmanager
def connection_kept() -> Iterator[None]:
    """A connection that stays this thread's own, with what SQLite has read by it, unless the block fails."""
    database.connect(reuse_if_open=True)
    try:
        yield
    except BaseException:
        database.close()
        raise


@contextmanager
def writing(patience_s: float | None = None) -> Iterator[None]:
    """A transaction that holds the right to write.

    On SQLite the processes queue on a lock beside the file, because SQLite itself would let them sleep and
    try again, which costs half the throughput and seconds at the tail. With a `patience_s`, it raises
    Unavailable or Peewee's OperationalError when others hold the right for longer.
    """
    if is_postgresql():
        with database.atomic():
            if patience_s is not None:
                # 0 would be for ever.
                database.execute_sql(f"SET LOCAL lock_timeout = {max(1, round(patience_s * 1_000))}")
            yield
        return
    with _file_lock(database.obj.database, patience_s), database.atomic("IMMEDIATE"):
        yield


def write_if_free(query: peewee.Query) -> bool:
    """Make a change that nothing depends on, unless others write just now or the database takes nothing."""
    try:
        with writing(patience_s=0):
            query.execute()
    except Unavailable:
        return False
    except peewee.PeeweeException as error:
        if not is_outage(error):
            raise
        return False
    return True


def is_outage(error: BaseException) -> bool:
    """Whether it lies with the database, not with what it was asked, that it takes or gives nothing now.

    A full disk, a lock, no connection; and a PostgreSQL that only lets read, such as a standby.
    """
    is_read_only = getattr(error.__context__, "sqlstate", None) == _READ_ONLY
    return is_read_only or isinstance(error, _OUTAGES)


def forget_idle_connections() -> None:
    """Broken ones would be handed out again; the pool makes new ones."""
    database.close_idle()


def size_bytes() -> int:
    """What the database takes on disk."""
    if is_postgresql():
        return int(database.execute_sql("SELECT pg_database_size(current_database())").fetchone()[0])
    path = Path(database.obj.database)
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def free_bytes() -> int | None:
    """What is left on the database's disk; None for that of a server, which can't be asked for."""
    return None if is_postgresql() else shutil.disk_usage(Path(database.obj.database).parent).free


def require_space(needed_bytes: int, purpose: str) -> None:
    """Raises Unavailable when the disk has not so much left. The disk of a server can't be asked for."""
    free = free_bytes()
    if free is not None and free < needed_bytes:
        raise Unavailable(
            f"{purpose} needs {needed_bytes >> 20} MiB on the database's disk, {free >> 20} are free"
        )


def compact() -> None:
    """Rewrite the database without what was deleted from it, which until then may still stand in its files.

    Not inside a transaction. SQLite holds ingest meanwhile, and needs the database's size twice on disk.
    """
    if is_postgresql():
        database.cursor().execute("VACUUM")
        return
    require_space(2 * size_bytes(), "rewriting the database")
    with _file_lock(database.obj.database):
        # In memory, as all else that is temporary, a copy of the whole database might not fit.
        database.execute_sql("PRAGMA temp_store = file")
        database.execute_sql("VACUUM")
        database.execute_sql("PRAGMA temp_store = memory")
        (is_busy, *_) = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise Unavailable("a reader holds the database's log; what was deleted stays there until it ends")


def start_of(at: Any, span_ms: int) -> Any:
    """The start of the hour, say, that holds the time of a column. (% would be LIKE.)"""
    return at / span_ms * span_ms


def announce() -> None:
    """Tell the streamers of all hosts when this transaction is committed; SQLite has but one host."""
    if is_postgresql():
        database.execute_sql(f"NOTIFY {COMMITTED}")


def insert_rows(
    model: type[peewee.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = ""
) -> None:
    """Insert many rows by one prepared statement, without building a query tree per row.

    `then` is the rest of the statement, such as an ON CONFLICT clause. Values go in as the driver's own
    types; a JSON column takes a string. Costs about 8 us a row for a message on either database.
    """
    if not rows:
        return
    table = model._meta.table_name
    names = ", ".join(columns)
    cursor = database.cursor()
    if is_postgresql():
        kinds = [_array_type(model, column) for column in columns]
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        # Table and column names come from the models, never from a request.
        sql = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {then}"  # noqa: S608
        with _peewees_errors:
            cursor.execute(sql, list(map(_array, kinds, zip(*rows, strict=True))))
        return
    marks = ", ".join("?" for _ in columns)
    # "WHERE true" parts the upsert clause from a join; VALUES needs none.
    with _peewees_errors:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}) {then}", rows)  # noqa: S608


def execute_each(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement, whose marks are `?`, for each of the rows."""
    with _peewees_errors:
        cursor = database.cursor()
        if not is_postgresql():
            cursor.executemany(sql, rows)
            return
        for row in rows:
            cursor.execute(sql.replace("?", "%s"), row)


def select_keys(sql: str, keys: Iterable[Any], size: int = 500) -> Iterator[tuple[Any, ...]]:
    """Run `sql` for chunks of `keys`; it holds `{keys}` where the list of marks belongs."""
    waiting = list(keys)
    for start in range(0, len(waiting), size):
        chunk = waiting[start : start + size]
        marks = ", ".join(database.param for _ in chunk)
        yield from database.execute_sql(sql.replace("{keys}", marks), chunk).fetchall()


def among(column: str, keys: Iterable[int]) -> tuple[str, str]:
    """The condition that a column has one of these numbers, however many, and its one parameter."""
    numbers = ",".join(map(str, keys))
    if is_postgresql():
        return f"{column} = ANY (%s::bigint[])", f"{{{numbers}}}"
    return f"{column} IN (SELECT value FROM json_each(?))", f"[{numbers}]"  # noqa: S608 - own names


def _array_type(model: type[peewee.Model], column: str) -> str:
    kinds = {"DOUBLE": "double precision", "BOOL": "boolean", "TEXT": "text", "JSON": "jsonb"}
    return kinds.get(model._meta.columns[column].field_type, "bigint")


def _array(kind: str, values: Sequence[Any]) -> str:
    """As PostgreSQL writes it. The driver takes ten times longer, because it asks each value what it is."""
    if kind in ("text", "jsonb"):
        written = ["NULL" if value is None else _quoted(value) for value in values]
    else:
        written = ["NULL" if value is None else str(value) for value in values]
    return f"{{{','.join(written)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Json(peewee.Field):
    """A JSON value: text on SQLite, jsonb on PostgreSQL. Reads back as Python values."""

    field_type = "JSON"

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


def json_text(column: Any, name: str) -> Any:
    """The text under this name of a JSON column; NULL where there is none."""
    if is_postgresql():
        return peewee.fn.jsonb_extract_path_text(column, name)
    return peewee.fn.json_extract(column, f'$."{name}"')


def _sqlite(url: str, connections: int) -> peewee.Database:
    path = unquote(url.removeprefix("sqlite:///").partition("?")[0])
    if not url.startswith("sqlite:///") or not path or path == ":memory:":
        raise ConfigurationError("BOTWATCH_DATABASE: expected sqlite:///FILE (several processes share it)")
    try:
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"BOTWATCH_DATABASE: {error}") from None
    return PooledSqliteDatabase(  # type: ignore[no-any-return]
        str(Path(path).absolute()),
        pragmas=_PRAGMAS,
        max_connections=connections,
        timeout=30,
        # The pool hands a connection from one thread to the next, never to two at a time.
        check_same_thread=False,
    )


def _postgresql(url: str, connections: int) -> peewee.Database:
    return PooledPostgresqlDatabase(  # type: ignore[no-any-return]
        url,
        max_connections=connections,
        timeout=30,
        prefer_psycopg3=True,
        # A host that is gone answers nothing at all.
        connect_timeout=5,
        tcp_user_timeout=20_000,
        # Transaction-pooling proxies can't keep server-side prepared statements.
        prepare_threshold=None,
    )


_threads_lock = threading.Lock()


@contextmanager
def _file_lock(path: str, patience_s: float | None = None) -> Iterator[None]:
    # One thread of a process waits for the lock of the file, the others wait for that thread: it may be for
    # ever, when another program holds the file, and must not take them all.
    if not _threads_lock.acquire(timeout=_PATIENCE_S if patience_s is None else patience_s):
        raise Unavailable("others are writing to the database", retry_after_s=2)
    try:
        try:
            handle = os.open(f"{path}-write-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"the lock beside the database can't be had: {error}") from error
        try:
            _lock(handle, patience_s)
            yield
        finally:
            os.close(handle)
    finally:
        _threads_lock.release()


def _lock(handle: int, patience_s: float | None) -> None:
    if patience_s is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not patience_s or not _Waiter.waits_in_line(handle, patience_s):
            raise Unavailable("others are writing to the database", retry_after_s=2) from None


class _Waiter(threading.Thread):
    """Waits in line for the lock, because who only tries now and then finds it taken each time.

    Nothing ends such a wait, so this one goes on by itself when patience has ended, on a handle of its own.
    Until it ends nobody else of this process, of which one at a time comes here, begins another.
    """

    _last: "_Waiter | None" = None

    def __init__(self, handle: int) -> None:
        super().__init__(name="botwatch-write-lock", daemon=True)
        self._handle = os.dup(handle)
        self._has_lock = False

    @classmethod
    def waits_in_line(cls, handle: int, patience_s: float) -> bool:
        """Whether the lock came in time; it belongs to `handle` then."""
        deadline = time.monotonic() + patience_s
        if cls._last:
            cls._last.join(patience_s)
            if cls._last.is_alive():
                return False
        waiter = cls(handle)
        waiter.start()
        cls._last = waiter
        waiter.join(max(0.0, deadline - time.monotonic()))
        return not waiter.is_alive() and waiter._has_lock

    def run(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            self._has_lock = True
        finally:
            os.close(self._handle)
