"""`botwatch-collector account`: who may log in."""

import click

from .. import clock
from ..access import accounts
from ..config import load
from . import database
from .output import say, show_table, time_of
from .password_input import file_option, read_password


@click.group()
def account() -> None:
    """Manage the people who use the pages."""


@account.command()
@click.argument("name")
@click.option("--role", type=click.Choice(accounts.ROLES), default="viewer", show_default=True)
@file_option
def add(name: str, role: str, password_file: str | None) -> None:
    """Make an account; the password is asked for, or read from standard input."""
    with database.opened(load()):
        made = accounts.add(name, read_password(password_file), role, clock.now())
    say(f"Made the account {made.username}.")


@account.command()
@click.argument("name")
@file_option
def passwd(name: str, password_file: str | None) -> None:
    """Set another password and end all logins of the account."""
    with database.opened(load()):
        found = accounts.named(name)
        accounts.change_password(found, read_password(password_file))
    say(f"The password of {found.username} is changed; all its logins have ended.")


@account.command()
@click.argument("name")
def disable(name: str) -> None:
    """Refuse an account, and end its logins."""
    with database.opened(load()):
        found = accounts.named(name)
        accounts.disable(found, clock.now())
    say(f"The account {found.username} is disabled.")


@account.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled account in again."""
    with database.opened(load()):
        found = accounts.named(name)
        accounts.enable(found)
    say(f"The account {found.username} is enabled.")


@account.command("list")
def list_() -> None:
    """List the accounts."""
    with database.opened(load()):
        found = accounts.listed()
    rows = [(one.username, one.role, time_of(one.created_at), time_of(one.disabled_at)) for one in found]
    show_table(("NAME", "ROLE", "ADDED", "DISABLED"), rows)
