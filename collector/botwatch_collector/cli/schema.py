"""`botwatch-collector init` and `migrate`: the schema and the first account."""

import sys
from collections.abc import Sequence

import click

from .. import clock, distribution, migrations
from ..access import accounts
from ..config import load
from ..errors import SchemaError
from ..migrations import Migration
from . import database
from .output import say
from .password_input import file_option, read_password


@click.command()
@click.option("--username", metavar="NAME", help="The first account's name; it becomes an admin.")
@file_option
def init(username: str | None, password_file: str | None) -> None:
    """Lay the schema and make the first account. Safe to repeat.

    The account may also come from BOTWATCH_ADMIN_USER and BOTWATCH_ADMIN_PASSWORD.
    """
    config = load()
    with database.opened(config) as applied:
        _tell(applied)
        wanted = username or config.admin_user or _asked_for()
        if wanted is not None:
            _make_account(wanted, password_file, config.admin_password)


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when the schema is out of date.")
@click.option("--distribute", is_flag=True, help="Then lay the tables out over the nodes of Citus, by bot.")
def migrate(check: bool, distribute: bool) -> None:
    """Bring the schema of the database up to date."""
    config = load()
    if not check:
        with database.opened(config) as applied:
            _tell(applied)
            if distribute:
                _distribute()
        return
    with database.connected(config):
        missing = migrations.pending()
    if missing:
        raise SchemaError(f"not applied yet: {_names(missing)}")
    say("The schema is up to date.")


def _distribute() -> None:
    laid_out = distribution.distribute()
    say(f"Distributed {', '.join(laid_out)}." if laid_out else "All tables are distributed already.")


def _asked_for() -> str | None:
    """A name from the terminal, when there is nobody yet."""
    if accounts.listed():
        return None
    if sys.stdin.isatty():
        name: str = click.prompt("Username of the first account", default="admin", err=True)
        return name
    say("There is no account yet: make one with --username NAME.")
    return None


def _make_account(username: str, password_file: str | None, from_environment: str | None) -> None:
    if accounts.exists(username):
        say(f"There is an account {username} already; it is left as it is.")
        return
    given = from_environment if password_file is None else None
    account = accounts.add(username, given or read_password(password_file), "admin", clock.now())
    say(f"Made the account {account.username}.")


def _tell(applied: Sequence[Migration]) -> None:
    say(f"Applied {_names(applied)}." if applied else "The schema is up to date.")


def _names(found: Sequence[Migration]) -> str:
    return ", ".join(migration.title for migration in found)
