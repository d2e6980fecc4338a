"""`botwatch ping`: says that a job has run, for what runs now and then; exits 0 once it is stored.

With a bot's ingest token that is one heartbeat. With a job's ping key (bw_p_...) the collector also knows
when the next is due, how long the job ran, and whether it failed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile

from .connection import CONNECT_TIMEOUT_S, USAGE_STATUS, Connection, add_arguments, connection, refusal
from .delivery import deliver
from .terminal import CommandError

SUMMARY = "send one heartbeat, or report a job"
EXAMPLES = """\
examples:
  botwatch ping
  run-the-backup && botwatch ping        a line for cron
  botwatch ping start; run-the-backup; botwatch ping $?
  run-the-backup 2>&1 | botwatch ping --message -
"""

_WHAT = re.compile(r"start|fail|[0-9]{1,3}", re.ASCII)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", type=_what, help="start, fail, or the job's exit status; left out: it ended well"
    )
    parser.add_argument("--message", metavar="TEXT", help="what the job had to say; - reads standard input")
    add_arguments(parser, "ingest or ping")


def run(args: argparse.Namespace) -> int:
    collector = connection(args)
    if collector.token.startswith("bw_p_"):
        _report(collector, args.what, sys.stdin.read() if args.message == "-" else args.message or "")
    elif args.what or args.message:
        raise CommandError("only a ping key (bw_p_...) can tell how a job ended", USAGE_STATUS)
    else:
        with tempfile.TemporaryDirectory() as spool:
            deliver(collector, spool)
    return 0


def _report(collector: Connection, what: str | None, message: str) -> None:
    import requests

    address = "/".join(filter(None, (collector.url, "ping", collector.token, what)))
    try:
        reply = requests.post(address, message.encode(), timeout=CONNECT_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        # Its text may hold the address, and so the key.
        raise CommandError(f"the collector does not answer: {type(error).__name__}") from None
    if reply.status_code != 200:
        raise CommandError(f"the collector refuses: {refusal(reply)}")


def _what(value: str) -> str:
    if not _WHAT.fullmatch(value):
        raise argparse.ArgumentTypeError(f"expected start, fail or an exit status, got {value!r}")
    return value
