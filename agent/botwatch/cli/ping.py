"""`botwatch ping`: sends one heartbeat, for jobs that run now and then; exits 0 once it is stored."""

from __future__ import annotations

import argparse
import tempfile

from .connection import add_arguments, connection
from .delivery import deliver

SUMMARY = "send one heartbeat"
EXAMPLES = """\
examples:
  botwatch ping
  run-the-backup && botwatch ping        a line for cron
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser, "ingest")


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as spool:
        deliver(connection(args), spool)
    return 0
