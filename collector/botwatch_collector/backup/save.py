"""Writes the backup: JSON lines in gzip. A head, for each table its columns and its rows, and their counts.

All of it is what one moment held, while others go on writing: on SQLite the log grows meanwhile, and on
PostgreSQL vacuum waits.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import msgspec

from .. import db, migrations
from . import tables

FORM = 1
_ROWS = 2_000
_encoder = msgspec.json.Encoder()


def save(out: BinaryIO, now: int, progress: Callable[[str, int], object] = lambda *_: None) -> dict[str, int]:
    """Write everything to `out`; the rows by table. `progress` gets a table and its rows so far."""
    saved: dict[str, int] = {}
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=3) as file, _moment():
        _say(file, botwatch_backup=FORM, schema=migrations.present(), taken_at=now)
        for table in tables.saved():
            columns = tables.columns(table)
            _say(file, table=table, columns=[column.name for column in columns])
            saved[table] = 0
            for rows in _chunks(table, columns):
                file.write(_encoder.encode_lines(rows))
                saved[table] += len(rows)
                progress(table, saved[table])
        _say(file, end=saved)
    return saved


@contextmanager
def _moment() -> Iterator[None]:
    """All reads of the block see the database as it is at the first of them."""
    with db.database.atomic():
        if db.is_postgresql():
            db.database.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _chunks(table: str, columns: list[tables.Column]) -> Iterator[list[Any]]:
    """Its rows, read as they are written, so that memory holds only some of them."""
    query = f"SELECT {', '.join(column.selected for column in columns)} FROM {table}"  # noqa: S608 - own names
    connection = db.database.connection()
    cursor = connection.cursor(name="backup") if db.is_postgresql() else connection.cursor()
    try:
        cursor.execute(query)
        while rows := cursor.fetchmany(_ROWS):
            yield rows
    finally:
        cursor.close()


def _say(file: gzip.GzipFile, **what: object) -> None:
    file.write(_encoder.encode(what) + b"\n")
