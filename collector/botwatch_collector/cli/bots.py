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


@bot.command()
@click.argument("name")
def retire(name: str) -> None:
    """Take a bot out of every list and end its tokens; what it sent is kept as long as everything is."""
    with database.opened(load()):
        bots.retire(bots.named(name), clock.now())
    say(f"Bot {name} is retired. 'bot bring-back' undoes it, but for its tokens.")


@bot.command("bring-back")
@click.argument("name")
def bring_back(name: str) -> None:
    """Take a retired bot into the lists again."""
    with database.opened(load()):
        bots.bring_back(bots.named(name))
    say(f"Bot {name} is back. It needs a new token: 'token add --scope ingest --bot {name}'.")


@bot.command("list")
def list_() -> None:
    """List the bots."""
    with database.opened(load()):
        rows = [
            (found.id, found.name, time_of(found.created_at), time_of(found.retired_at))
            for found in bots.listed()
        ]
    show_table(("ID", "NAME", "ADDED", "RETIRED"), rows)
