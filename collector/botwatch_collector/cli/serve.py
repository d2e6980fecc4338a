"""`botwatch-collector serve`."""

import gc
import os
import sys

import click

from .. import config as settings
from ..config import Config


@click.command()
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; port 0 is any free port. [BOTWATCH_LISTEN]"
)
@click.option("--workers", metavar="N", help="How many processes answer requests. [BOTWATCH_WORKERS]")
def serve(listen: str | None, workers: str | None) -> None:
    """Serve pages, the API and the stream until SIGTERM or Ctrl-C."""
    given = {"BOTWATCH_LISTEN": listen, "BOTWATCH_WORKERS": workers}
    config = settings.load(os.environ | {name: value for name, value in given.items() if value is not None})
    _import_all(config)
    from .. import serving
    from ..access import accounts, secret_key
    from . import database, first_account
    from .output import say

    with database.opened(config):
        first_account.ensure(config)
        cookie_key = secret_key()
        if not accounts.listed():
            say("There is no account to log in with yet: botwatch-collector init makes the first one.")
    serving.serve(config, cookie_key)


def _import_all(config: Config) -> None:
    """Import what serving needs: nearly all of the time that a start takes."""
    # Nothing of it is garbage: looking for some would take a tenth of the start, and again in each process.
    gc.disable()
    try:
        if config.database.startswith("sqlite:"):
            # Peewee imports what drivers it finds; psycopg would take a fifth of the start. None hides it.
            sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]
        from .. import serving  # noqa: F401
    finally:
        gc.enable()
    gc.freeze()
