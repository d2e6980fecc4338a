"""Brings the schema of the database up to date from the plain files in `sql/migrations`.

A file is one step, or several where lines of `-- step` part it. A step runs in one transaction together with
the row that says it did, so that a killed migration goes on at the step where it was. `-- step: repeat` is
for one statement that changes some thousand rows: it is a step again and again until it changes none, and
holds ingest only for so long. Any number of processes may start at once.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files

from . import clock, db, partitions, views
from .errors import SchemaError

_LOCK_KEY = 0x626F7477  # "botw": the advisory lock that one migrating process holds on PostgreSQL

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS migration (
        version    INTEGER PRIMARY KEY,
        name       TEXT    NOT NULL,
        sha256     TEXT    NOT NULL,
        applied_at BIGINT  NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS migration_step (
        version    INTEGER PRIMARY KEY,
        sha256     TEXT    NOT NULL,
        steps_done INTEGER NOT NULL
    )
    """,
)

_STEP = re.compile(r"^-- step(: repeat)?$", re.MULTILINE)
_DISK = re.compile(r"^-- disk: (\d+) %$", re.MULTILINE)
_DISK_PERCENT, _DISK_BYTES = 20, 16 << 20


@dataclass(frozen=True)
class Step:
    """What one transaction does; one that repeats is done when it changes no row."""

    sql: str
    repeats: bool


@dataclass(frozen=True)
class Migration:
    """One file, `NNNN_name.sql`."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def title(self) -> str:
        return f"{self.version:04}_{self.name}"

    @property
    def steps(self) -> list[Step]:
        first, *rest = _STEP.split(self.sql)
        parted = [(None, first), *zip(rest[::2], rest[1::2], strict=True)]
        return [Step(sql, bool(repeats)) for repeats, sql in parted if re.sub("--.*", "", sql).strip()]

    @property
    def disk_percent(self) -> int:
        """What it may need on disk, in per cent of the database: a line `-- disk: 100 %` in the file."""
        found = _DISK.search(self.sql)
        return int(found[1]) if found else _DISK_PERCENT


@dataclass(frozen=True)
class Progress:
    """How far a migration has come. `rows` are those that its present step has changed so far."""

    migration: Migration
    steps_done: int
    rows: int


Report = Callable[[Progress], object]


def available() -> list[Migration]:
    """The migrations for the connected dialect, oldest first."""
    folder = files("botwatch_sql") / "migrations" / db.dialect()
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def bring_up_to_date(report: Report | None = None, *, upto: int | None = None) -> list[Migration]:
    """Apply what is missing and return it; needs a connection. `report` is called after each step.

    Then there are the partitions of the time to come, and the views. Nothing above version `upto`, if given.

    Raises SchemaError when the database was written by a newer version, or an applied file has changed since,
    and Unavailable when the disk is too full; then nothing has changed.
    """
    known = available()
    with db.writing():
        _hold_the_lock()
        for table in _TABLES:
            db.database.execute_sql(table)
        applied = _applied()
    _refuse_unknown(known, applied)
    wanted = [migration for migration in known if upto is None or migration.version <= upto]
    missing = [migration for migration in wanted if migration.version not in applied]
    _require_disk(missing)
    applied_here = [migration for migration in missing if _apply(migration, report or (lambda _: None))]
    partitions.prepare(clock.now())
    if upto is None:
        views.install()
    return applied_here


def present() -> int:
    """The version that the database's schema has; 0 before the first."""
    if "migration" not in db.database.get_tables():
        return 0
    return max(_applied(), default=0)


def pending() -> list[Migration]:
    """What `bring_up_to_date` would apply."""
    if "migration" not in db.database.get_tables():
        return available()
    applied = _applied()
    return [migration for migration in available() if migration.version not in applied]


def _apply(migration: Migration, report: Report) -> bool:
    """Whether this process took the last of its steps."""
    rows = 0
    while True:
        with db.writing():
            _hold_the_lock()
            if migration.version in _applied():
                return False
            steps_before = _steps_done(migration)
            step = migration.steps[steps_before]
            changed = _run(step)
            steps_done = steps_before + (not (step.repeats and changed))
            _note(migration, steps_done)
        rows = rows + changed if steps_done == steps_before else 0
        report(Progress(migration, steps_done, rows))
        if steps_done == len(migration.steps):
            return True


def _run(step: Step) -> int:
    """Rows that the step's last statement changed."""
    cursor = db.database.cursor()
    for statement in _statements(step.sql):
        # Without parameters, so that a per cent sign in the file is just that.
        cursor.execute(statement)
    return int(cursor.rowcount)


def _steps_done(migration: Migration) -> int:
    mark = db.database.param
    query = f"SELECT sha256, steps_done FROM migration_step WHERE version = {mark}"  # noqa: S608 - a mark
    sha256, done = db.database.execute_sql(query, (migration.version,)).fetchone() or (migration.sha256, 0)
    if sha256 != migration.sha256:
        raise SchemaError(f"migration {migration.version:04} was changed after its first steps")
    return int(done)


def _note(migration: Migration, steps_done: int) -> None:
    mark, version = db.database.param, migration.version
    db.database.execute_sql(f"DELETE FROM migration_step WHERE version = {mark}", (version,))  # noqa: S608
    is_done = steps_done == len(migration.steps)
    table = "migration" if is_done else "migration_step"
    row: tuple[int | str, ...] = (version, migration.sha256, steps_done)
    if is_done:
        row = (version, migration.name, migration.sha256, clock.now())
    marks = ", ".join(mark for _ in row)
    db.database.execute_sql(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - a name of ours


def _require_disk(missing: list[Migration]) -> None:
    percent = max((migration.disk_percent for migration in missing), default=0)
    if percent:
        db.require_space(db.size_bytes() * percent // 100 + _DISK_BYTES, "bringing the schema up to date")


def _applied() -> dict[int, str]:
    return dict(db.database.execute_sql("SELECT version, sha256 FROM migration").fetchall())


def _refuse_unknown(known: list[Migration], applied: dict[int, str]) -> None:
    newest = max((migration.version for migration in known), default=0)
    if ahead := [version for version in applied if version > newest]:
        raise SchemaError(
            f"the database has schema {max(ahead)}, this version knows {newest}: install a newer botwatch"
        )
    for migration in known:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise SchemaError(f"migration {migration.version:04} was changed after it had been applied")


def _hold_the_lock() -> None:
    if db.is_postgresql():
        db.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))


def _statements(script: str) -> Iterator[str]:
    """SQLite's driver runs one statement a call, and its executescript would commit in the middle."""
    if db.is_postgresql():
        yield script
        return
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
