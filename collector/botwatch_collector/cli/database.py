"""The database as commands use it: connected, and with the schema of this version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import peewee

from .. import db, migrations
from ..config import Config
from ..errors import Unavailable
from ..migrations import Migration, Progress
from .output import say


@contextmanager
def connected(config: Config) -> Iterator[None]:
    """A connection while the block runs, and none after it."""
    database = db.connect(config.database, connections=2)
    try:
        with db.connected():
            yield
    except peewee.PeeweeException as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unavailable(f"the database (BOTWATCH_DATABASE): {first_line}") from None
    finally:
        database.close_all()  # type: ignore[attr-defined]


@contextmanager
def opened(config: Config) -> Iterator[Sequence[Migration]]:
    """The same after bringing the schema up to date; gives what was applied for it."""
    with connected(config):
        # A new database has no rows that would take long.
        yield migrations.bring_up_to_date(_report if migrations.present() else None)


def _report(progress: Progress) -> None:
    """Only what takes long enough to be parted into steps."""
    migration, steps = progress.migration, len(progress.migration.steps)
    if steps > 1:
        rows = f", {progress.rows:,} rows of the next" if progress.rows else ""
        say(f"{migration.title}: {progress.steps_done} of {steps} steps done{rows}")
