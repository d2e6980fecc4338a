"""`botwatch-collector backup` and `restore`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from .. import backup as backups
from .. import clock
from ..config import load
from ..errors import BackupError
from ..upkeep.state import note_backup
from . import database
from .output import printable, say, show_progress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write everything that the database holds to FILE, or to standard output for '-'.

    Others may go on serving: the backup is what one moment held. It holds password hashes and all that people
    wrote, so only you may read it.
    """
    with database.opened(load()), _written(file) as out:
        saved = backups.save(out, clock.now(), _progress)
        note_backup(clock.now())
    say(f"Saved {sum(saved.values())} rows of {len(saved)} tables.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Fill an empty database from FILE, or from standard input for '-'.

    It may be of the other kind: so a collector moves from SQLite to PostgreSQL.
    """
    try:
        with (
            database.connected(load()),
            file.open("rb") if str(file) != "-" else sys.stdin.buffer as source,
        ):
            restored = backups.restore(source, _progress)
    except OSError as error:
        raise BackupError(f"{printable(str(file))}: {error.strerror}") from None
    say(f"Restored {sum(restored.values())} rows of {len(restored)} tables.")


@contextmanager
def _written(file: Path) -> Iterator[BinaryIO]:
    """The file under its name only when it is whole and on disk; one that is there already is left alone."""
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    part = file.with_name(f"{file.name}.part")
    try:
        if file.exists():
            raise FileExistsError(17, "there is a file of that name already")
        with open(part, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.rename(file)
    except OSError as error:
        raise BackupError(f"{printable(str(file))}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _progress(table: str, rows: int) -> None:
    show_progress(f"{table}: {rows:,} rows")
