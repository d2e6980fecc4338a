"""Where a password comes from: a file, standard input or a prompt, but never the command line, which others
on the machine can read."""

import sys
from pathlib import Path

import click

from ..errors import ConfigurationError

file_option = click.option(
    "--password-file",
    metavar="FILE",
    help="Read the password from FILE, or from standard input when it is '-'.",
)


def read_password(file: str | None) -> str:
    """The password; asks twice at a terminal."""
    if file is not None and file != "-":
        return _first_line(_content(file), file)
    if file is None and sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return password
    return _first_line(sys.stdin.readline(), "standard input")


def _content(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--password-file: {error}") from None


def _first_line(text: str, source: str) -> str:
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise ConfigurationError(f"no password in {source}")
    return password
