"""Reads a backup into an empty database, of either kind: all of it, or nothing."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import msgspec
import peewee

from .. import db, message_index, migrations, rollups
from ..errors import BackupError, SchemaError
from . import tables
from .save import FORM

_ROWS = 2_000
_FULL = ("bot", "account", "message")
_decode = msgspec.json.Decoder().decode


def restore(source: BinaryIO, progress: Callable[[str, int], object] = lambda *_: None) -> dict[str, int]:
    """Fill the database, and bring it up to date; the rows by table. `progress` is called as `save` does.

    Raises BackupError when the file is not a whole backup or the database holds something, and SchemaError
    when either of them is of a newer version. Then the database holds what it held: nothing.
    """
    lines = _Lines(source)
    schema = lines.head()["schema"]
    _require_empty()
    _lay_schema(schema)
    with db.writing():
        _require_empty()
        restored = _read_tables(lines, progress)
        _continue_identities(restored)
    migrations.bring_up_to_date()
    message_index.catch_up()
    with db.writing():
        rollups.catch_up_and_hold()
    return restored


class _Lines:
    """The lines of the file, decoded; whatever is wrong with them is a BackupError."""

    def __init__(self, source: BinaryIO) -> None:
        self._lines = self._decoded(source)

    def head(self) -> dict[str, Any]:
        head = next(self._lines, None)
        if not isinstance(head, dict) or not isinstance(head.get("schema"), int):
            raise BackupError("this is not a backup of botwatch")
        if head.get("botwatch_backup") != FORM:
            raise BackupError(
                f"the backup has the form {head.get('botwatch_backup')}, this version reads {FORM}"
            )
        return head

    def parts(self) -> Iterator[tuple[dict[str, Any], Iterator[list[Any]]]]:
        """Each object with the rows that follow it."""
        following: list[Any] = []

        def rows() -> Iterator[list[Any]]:
            for line in self._lines:
                if isinstance(line, list):
                    yield line
                else:
                    following.append(line)
                    return

        for _ in rows():
            raise BackupError("the backup has rows without a table")
        while following:
            yield following.pop(), rows()

    @staticmethod
    def _decoded(source: BinaryIO) -> Iterator[Any]:
        try:
            with gzip.GzipFile(fileobj=source) as file:
                yield from map(_decode, file)
        except (EOFError, zlib.error, gzip.BadGzipFile, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BackupError(f"the backup is damaged or not whole: {error}") from None


def _lay_schema(schema: int) -> None:
    """The tables as they were when the backup was made."""
    newest = migrations.available()[-1].version
    if schema > newest:
        raise SchemaError(f"the backup has schema {schema}, this version knows {newest}: install a newer one")
    if migrations.present() < schema:
        migrations.bring_up_to_date(upto=schema)
    present = migrations.present()
    if present > schema:
        raise BackupError(
            f"the backup has schema {schema}, the database {present} already: restore into one without tables"
        )


def _require_empty() -> None:
    existing = set(db.database.get_tables())
    for table in existing.intersection(_FULL):
        if db.database.execute_sql(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - own names
            raise BackupError("the database is not empty: restore into a new one")


def _read_tables(lines: _Lines, progress: Callable[[str, int], object]) -> dict[str, int]:
    restored: dict[str, int] = {}
    for part, rows in lines.parts():
        if "end" in part:
            if part["end"] != restored:
                raise BackupError("the backup is damaged: it has not the rows that it says it has")
            return restored
        table = _checked(part)
        restored[table] = 0
        while chunk := [*islice(rows, _ROWS)]:
            _insert(table, part["columns"], chunk)
            restored[table] += len(chunk)
            progress(table, restored[table])
    raise BackupError("the backup is not whole: its end is missing")


def _checked(part: dict[str, Any]) -> str:
    """Names come from the file and go into statements: only those that the schema has."""
    table, named = part.get("table"), part.get("columns")
    known = {column.name for column in tables.columns(str(table))}
    if not isinstance(table, str) or not isinstance(named, list) or not known or set(named) - known:
        raise BackupError(f"the backup names a table or columns that its schema has not: {table}")
    db.database.execute_sql(f"DELETE FROM {table}")  # noqa: S608 - what its migrations have put there
    return table


def _insert(table: str, columns: list[str], rows: Iterable[list[Any]]) -> None:
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    cursor = db.database.cursor()
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        if not db.is_postgresql():
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _continue_identities(restored: Iterable[str]) -> None:
    """PostgreSQL counts on from where the rows end."""
    for table in restored:
        for column in tables.columns(table):
            if column.is_identity:
                db.database.execute_sql(
                    f"SELECT setval(pg_get_serial_sequence(%s, %s), "  # noqa: S608
                    f"coalesce((SELECT max({column.name}) FROM {table}), 0) + 1, false)",
                    (table, column.name),
                )
