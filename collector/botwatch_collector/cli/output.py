"""Lists for a terminal: aligned plain text."""

import sys
from collections.abc import Sequence

import click

from .. import clock


def say(text: str) -> None:
    """Explain something to a person; stdout is left to what a script reads."""
    click.echo(text, err=True)


def show_progress(text: str) -> None:
    """A line that takes the place of the one before, at a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns two spaces apart."""
    lines = [headings, *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def time_of(at: int | None) -> str:
    """A time to the second, or a dash."""
    return "-" if at is None else f"{clock.iso(at)[:19]}Z"


def printable(text: str) -> str:
    """Control characters as escapes: a name must not steer the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _cell(value: object) -> str:
    return printable(str(value)) or "-"
