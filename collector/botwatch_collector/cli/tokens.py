"""`botwatch-collector token`: tokens for agents, scrapers and scripts."""

import click

from .. import clock
from ..access import bots, tokens
from ..config import load
from ..models import Token
from . import database
from .output import say, show_table, time_of

_HEADINGS = ("ID", "SCOPE", "BOT", "NAME", "ENDS WITH", "ADDED", "LAST USED", "REVOKED")


@click.group()
def token() -> None:
    """Give out and end tokens. ID is a token's number in the list or its last 4 characters."""


@token.command()
@click.option("--scope", type=click.Choice(list(tokens.PREFIXES)), required=True, help="What it is good for.")
@click.option(
    "--bot", "bot_name", metavar="NAME", help="The bot it is for; without one, read means all bots."
)
@click.option("--name", metavar="TEXT", default="", help="A note, to know it by.")
def add(scope: str, bot_name: str | None, name: str) -> None:
    """Make a token and print it; it can't be read again."""
    with database.opened(load()):
        bot = bots.named(bot_name) if bot_name is not None else None
        made, secret = tokens.add(scope, clock.now(), bot=bot, name=name)
    _hand_over(made, secret)


@token.command("list")
def list_() -> None:
    """List the tokens, without their secrets."""
    with database.opened(load()):
        rows = [_row(found) for found in tokens.listed()]
    show_table(_HEADINGS, rows)


@token.command()
@click.argument("reference", metavar="ID")
def revoke(reference: str) -> None:
    """End a token at once."""
    with database.opened(load()):
        found = tokens.named(reference)
        was_valid = tokens.revoke(found, clock.now())
    say(f"Token {found.id} is revoked." if was_valid else f"Token {found.id} was revoked before.")


@token.command()
@click.argument("reference", metavar="ID")
def rotate(reference: str) -> None:
    """Revoke a token and print one that takes its place.

    Agents keep their events while their token isn't valid, and send them once they have the new one.
    """
    with database.opened(load()):
        old = tokens.named(reference)
        made, secret = tokens.rotate(old, clock.now())
    say(f"Token {old.id} is revoked.")
    _hand_over(made, secret)


def _hand_over(made: Token, secret: str) -> None:
    say(f"Token {made.id}, shown only now:")
    click.echo(secret)


def _row(found: Token) -> tuple[object, ...]:
    return (
        found.id,
        found.scope,
        found.bot.name if found.bot else "all",
        found.name,
        found.hint,
        time_of(found.created_at),
        time_of(found.last_used_at),
        time_of(found.revoked_at),
    )
