"""`botwatch-collector serve`."""

import os

import click

from .. import config as settings
from ..access import accounts, secret_key
from . import database, first_account
from .output import say


@click.command()
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; port 0 is any free port. [BOTWATCH_LISTEN]"
)
@click.option("--workers", metavar="N", help="How many processes answer requests. [BOTWATCH_WORKERS]")
def serve(listen: str | None, workers: str | None) -> None:
    """Serve pages, the API and the stream until SIGTERM or Ctrl-C."""
    given = {"BOTWATCH_LISTEN": listen, "BOTWATCH_WORKERS": workers}
    config = settings.load(os.environ | {name: value for name, value in given.items() if value is not None})
    with database.opened(config):
        first_account.ensure(config)
        cookie_key = secret_key()
        if not accounts.listed():
            say("There is no account to log in with yet: botwatch-collector init makes the first one.")
    # gunicorn takes a third of a second that the other commands needn't spend.
    from .. import serving

    serving.serve(config, cookie_key)
