"""`botwatch-collector bot`: the register of bots."""

import click

from .. import clock
from ..access import bots, tokens
from ..config import load
from . import database
from .output import say, show_table, time_of


@click.group()
def bot() -> None:
    """Register bots."""


@bot.command()
@click.argument("name")
def add(name: str) -> None:
    """Register a bot and print its ingest token, which can't be read again."""
    with database.opened(load()):
        added = bots.add(name, clock.now())
        _, secret = tokens.add("ingest", clock.now(), bot=added)
    say(f"Bot {added.name} is registered. Its ingest token, shown only now:")
    click.echo(secret)


@bot.command("list")
def list_() -> None:
    """List the bots."""
    with database.opened(load()):
        rows = [(found.id, found.name, time_of(found.created_at)) for found in bots.listed()]
    show_table(("ID", "NAME", "ADDED"), rows)
