"""`botwatch`: the agent's commands, each a module of its own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from botwatch.errors import ConfigurationError

from .connection import USAGE_STATUS
from .terminal import CommandError, complain

_COMMANDS = ("tail", "send", "ping", "replay", "doctor")
_INTERRUPTED_STATUS = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 done, 1 failed, 2 wrongly called, 130 interrupted."""
    # A name that the terminal's encoding lacks is shown escaped instead of ending the command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(arguments)
    try:
        status: int = args.run(args)
        return status
    except CommandError as error:
        complain(str(error))
        return error.status
    except ConfigurationError as error:
        complain(str(error))
        return USAGE_STATUS
    except KeyboardInterrupt:
        return _INTERRUPTED_STATUS
    except BrokenPipeError:
        # The reader has seen enough. What Python would still flush at exit has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    from botwatch.version import VERSION

    parser = argparse.ArgumentParser(
        prog="botwatch",
        description="Watch chat bots from a terminal. BOTWATCH_URL and BOTWATCH_TOKEN name the collector.",
        epilog="botwatch COMMAND --help tells more about a command",
    )
    parser.add_argument("--version", action="version", version=f"botwatch {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        _add(commands, name)
    return parser


def _add(commands: Any, name: str) -> None:
    module = import_module(f"{__name__}.{name}")
    command = commands.add_parser(
        name,
        help=module.SUMMARY,
        description=(module.__doc__ or "").partition(": ")[2],
        epilog=module.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(command)
    command.set_defaults(run=module.run)
