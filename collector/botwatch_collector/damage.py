"""Remembers that SQLite's file is damaged, so that nothing more is entrusted to it until somebody has looked.

A note beside the file tells it to all workers, and to the next start. It names the file by its inode: another
one that is put in its place is sound. PostgreSQL looks after its own files, and needs no note.
"""

import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import peewee

from . import db
from .errors import Unavailable

_log = logging.getLogger(__name__)

_SQLITE_CORRUPT, _SQLITE_NOTADB = 11, 26
_PRIMARY_CODE = 0xFF
_POSTGRESQL_CORRUPTED = ("XX001", "XX002")


def note(error: BaseException) -> bool:
    """Whether `error` tells of damage; it is logged and remembered then."""
    # Peewee's is raised while the driver's is handled; while rows are fetched the driver's comes through.
    causes = (error, error.__context__)
    if any(getattr(cause, "sqlstate", None) in _POSTGRESQL_CORRUPTED for cause in causes):
        _log.error("PostgreSQL says that its data is damaged: %s", error)
        return True
    codes = {getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE for cause in causes}
    if not codes & {_SQLITE_CORRUPT, _SQLITE_NOTADB}:
        return False
    if found() is None:
        _log.error(
            "%s is damaged (%s): nothing more is stored in it. Agents keep their events. Run "
            "`botwatch-collector check`; docs/operations.md says how to go on",
            _path(),
            error,
        )
        # Where no note can be written, what is to be stored fails as well.
        with suppress(OSError):
            _note_path().write_text(f"{_path().stat().st_ino} {error}\n", encoding="utf-8")
    return True


def found() -> str | None:
    """What was noted of the present file; None while nothing is known against it."""
    if db.is_postgresql():
        return None
    try:
        inode, _, reason = _note_path().read_text(encoding="utf-8").strip().partition(" ")
        return reason if inode == str(os.stat(_path()).st_ino) else None  # noqa: PTH116 - one call for each commit
    except OSError:
        return None


def refuse() -> None:
    """Raises Unavailable when the file is known to be damaged. Costs a few microseconds."""
    if found() is not None:
        raise Unavailable("the database's file is damaged; nothing is stored in it", retry_after_s=60)


def check(most: int = 20) -> list[str]:
    """Look through the whole of SQLite's file: what is wrong with it. If nothing is, the note goes away."""
    if db.is_postgresql():
        return []
    try:
        rows = db.database.execute_sql(f"PRAGMA integrity_check({int(most)})").fetchall()
    except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
        # It may be too bad for a list.
        if not note(error):
            raise
        return [str(error)]
    problems = [str(row[0]) for row in rows if row[0] != "ok"]
    if not problems:
        _note_path().unlink(missing_ok=True)
    return problems


def _path() -> Path:
    return Path(db.database.obj.database)


def _note_path() -> Path:
    path = _path()
    return path.with_name(f"{path.name}-damaged")
