"""Brings the schema of the database up to date from the plain files in `sql/migrations`.

Each file runs in one transaction together with the row that says it ran, so a killed migration leaves the
schema as it was and the next start goes on from there. Any number of processes may start at once.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from . import clock, db
from .errors import SchemaError

_LOCK_KEY = 0x626F7477  # "botw": the advisory lock that one migrating process holds on PostgreSQL

_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    version    INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    applied_at BIGINT  NOT NULL
)
"""


@dataclass(frozen=True)
class Migration:
    """One file, `NNNN_name.sql`."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """The migrations for the connected dialect, oldest first."""
    folder = files("botwatch_sql") / "migrations" / db.dialect()
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def bring_up_to_date() -> list[Migration]:
    """Apply what is missing and return it; needs a connection.

    Raises SchemaError when the database was written by a newer version, or an applied file has changed since.
    """
    known = available()
    with db.writing():
        _hold_the_lock()
        db.database.execute_sql(_TABLE)
        applied = _applied()
    _refuse_unknown(known, applied)
    missing = [migration for migration in known if migration.version not in applied]
    return [migration for migration in missing if _apply(migration)]


def pending() -> list[Migration]:
    """What `bring_up_to_date` would apply."""
    if "migration" not in db.database.get_tables():
        return available()
    applied = _applied()
    return [migration for migration in available() if migration.version not in applied]


def _apply(migration: Migration) -> bool:
    with db.writing():
        _hold_the_lock()
        if migration.version in _applied():
            return False
        for statement in _statements(migration.sql):
            # Without parameters, so that a per cent sign in the file is just that.
            db.database.cursor().execute(statement)
        mark = db.database.param
        db.database.execute_sql(
            f"INSERT INTO migration VALUES ({mark}, {mark}, {mark}, {mark})",  # noqa: S608 - marks only
            (migration.version, migration.name, migration.sha256, clock.now()),
        )
    return True


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
