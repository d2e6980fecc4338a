"""`botwatch-collector token`: tokens for agents, scrapers and scripts."""

import re

import click

from .. import clock
from ..access import bots, tokens
from ..config import load
from ..models import Token
from . import database
from .output import say, show_table, time_of

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def span(text: str) -> int:
    """A length of time, in seconds."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"expected a number with s, m, h or d, such as 5m, got {text!r}")
    return int(found[1]) * _SECONDS[found[2]]


_HEADINGS = ("ID", "SCOPE", "BOT", "NAME", "ENDS WITH", "ADDED", "LAST USED", "REVOKED")


@click.group()
def token() -> None:
    """Give out and end tokens. ID is a token's number in the list or its last 4 characters."""


@token.command()
@click.option("--scope", type=click.Choice(list(tokens.PREFIXES)), required=True, help="What it is good for.")
@click.option(
    "--bot", "bot_name", metavar="NAME", help="The bot it is for; without one, read means all bots."
)
@click.option("--name", metavar="TEXT", default="", help="A note, to know it by; what a job is called.")
@click.option("--every", "period_s", type=span, default="1d", help="How often a job pings, such as 5m or 1d.")
@click.option("--grace", "grace_s", type=span, default="1h", help="How late it may be, or how long it runs.")
def add(scope: str, bot_name: str | None, name: str, period_s: int, grace_s: int) -> None:
    """Make a token and print it; it can't be read again. The last two options are for scope ping."""
    config = load()
    with database.opened(config):
        bot = bots.named(bot_name) if bot_name is not None else None
        made, secret = tokens.add(scope, clock.now(), bot=bot, name=name, period_s=period_s, grace_s=grace_s)
    _hand_over(made, secret)
    if scope == "ping":
        say(f"The job's address: {config.public_url or 'http://127.0.0.1:8400'}/ping/{secret}")


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
