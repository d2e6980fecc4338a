"""The group of all commands, and how their errors are told: one line, no traceback."""

from typing import Any

import click
import peewee

from ..errors import BotwatchError
from . import accounts, backup, bots, check, demo, health, retention, schema, serve, tokens

COMMANDS: tuple[click.Command, ...] = (
    serve.serve,
    schema.init,
    schema.migrate,
    bots.bot,
    tokens.token,
    accounts.account,
    backup.backup,
    backup.restore,
    check.check,
    retention.prune,
    retention.forget_user,
    retention.rollup,
    health.health,
    demo.demo,
)


class Failure(click.ClickException):
    """What the person at the terminal is told."""

    def show(self, file: Any = None) -> None:
        click.echo(f"error: {self.message}", err=True)


class Group(click.Group):
    """Turns the errors of the collector into failures."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BotwatchError as error:
            raise Failure(error.message) from None
        except peewee.PeeweeException as error:
            first_line = (str(error).splitlines() or [type(error).__name__])[0]
            raise Failure(f"the database (BOTWATCH_DATABASE): {first_line}") from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="botwatch", message="%(version)s")
def main() -> None:
    """The botwatch collector: stores what agents send, and shows it.

    Settings are environment variables, such as BOTWATCH_DATABASE.
    """


for _command in COMMANDS:
    main.add_command(_command)
