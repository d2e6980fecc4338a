"""`botwatch-collector check`."""

import click

from .. import damage, db
from ..config import load
from ..errors import DamagedDatabase
from . import database
from .output import printable, say


@click.command()
def check() -> None:
    """Look through the whole of SQLite's file for damage; exit with 1 and say what is wrong.

    A collector that has met damage stores nothing until this finds the file sound again. It may go on serving
    meanwhile.
    """
    with database.connected(load()):
        problems = damage.check()
        if db.is_postgresql():
            say("PostgreSQL looks after its own files: its log tells of damage.")
            return
    for problem in problems:
        click.echo(printable(problem))
    if problems:
        raise DamagedDatabase("the database's file is damaged; docs/operations.md says how to go on")
    say("The database's file is sound.")
