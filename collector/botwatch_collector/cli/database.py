"""The database as commands use it: connected, and with the schema of this version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .. import db, migrations
from ..config import Config
from ..migrations import Migration


@contextmanager
def connected(config: Config) -> Iterator[None]:
    """A connection while the block runs, and none after it."""
    database = db.connect(config.database, connections=2)
    try:
        with db.connected():
            yield
    finally:
        database.close_all()  # type: ignore[attr-defined]


@contextmanager
def opened(config: Config) -> Iterator[Sequence[Migration]]:
    """The same after bringing the schema up to date; gives what was applied for it."""
    with connected(config):
        yield migrations.bring_up_to_date()
