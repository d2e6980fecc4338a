"""`botwatch send`: records one message; exits 0 once it is stored."""

from __future__ import annotations

import argparse
import sys
import tempfile

from ..encode import LONGEST_MS
from .connection import add_arguments, connection
from .delivery import deliver

SUMMARY = "record one message"
EXAMPLES = """\
examples:
  botwatch send "good morning" --user 42 --name Alice
  botwatch send "your order is on its way" --user 42 --direction out --response-ms 120
  uptime | botwatch send - --user cron        the text from standard input
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="what was said; - reads it from standard input")
    parser.add_argument("--user", required=True, metavar="ID", help="who said it, or whom the bot answered")
    parser.add_argument("--name", help="that user's name")
    parser.add_argument("--direction", choices=("in", "out"), default="in", help="in (default): to the bot")
    parser.add_argument("--channel", help="where it was said")
    parser.add_argument("--response-ms", type=_milliseconds, metavar="MS", help="what an answer took")
    add_arguments(parser, "ingest")


def run(args: argparse.Namespace) -> int:
    text = sys.stdin.read() if args.text == "-" else args.text
    with tempfile.TemporaryDirectory() as spool:
        deliver(
            connection(args),
            spool,
            text=text,
            user_id=args.user,
            user_name=args.name,
            direction=args.direction,
            channel=args.channel,
            response_ms=args.response_ms,
        )
    return 0


def _milliseconds(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= LONGEST_MS):
        raise argparse.ArgumentTypeError(
            f"expected milliseconds, a whole number to {LONGEST_MS}, got {value!r}"
        )
    return int(value)
