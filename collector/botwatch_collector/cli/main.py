"""The group of all commands, and how their errors are told: one line, no traceback."""

from importlib import import_module
from typing import Any

import click

from ..errors import BotwatchError

COMMANDS = {
    "serve": "serve",
    "init": "schema",
    "migrate": "schema",
    "bot": "bots",
    "token": "tokens",
    "account": "accounts",
    "backup": "backup",
    "restore": "backup",
    "check": "check",
    "prune": "retention",
    "forget-user": "retention",
    "rollup": "retention",
    "health": "health",
    "demo": "demo",
}
"""The module of each, which is imported when the command is asked for: none waits for what others need."""


class Failure(click.ClickException):
    """What the person at the terminal is told."""

    def show(self, file: Any = None) -> None:
        click.echo(f"error: {self.message}", err=True)


class Group(click.Group):
    """Turns the errors of the collector into failures."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{COMMANDS[cmd_name]}", __package__)
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BotwatchError as error:
            raise Failure(error.message) from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="botwatch", message="%(version)s")
def main() -> None:
    """The botwatch collector: stores what agents send, and shows it.

    Settings are environment variables, such as BOTWATCH_DATABASE.
    """
