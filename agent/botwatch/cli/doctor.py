"""`botwatch doctor`: finds out why no data arrives, and says for each step what to do.

Exit status 0 when all is well or merely worth a warning, 1 when something fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile

from .checks import CHECKS, Finding, Patient
from .connection import add_arguments, connection
from .delivery import deliver
from .terminal import CommandError, harmless, paint

SUMMARY = "check configuration, reachability, token, clock and spool"
EXAMPLES = """\
examples:
  botwatch doctor
  BOTWATCH_URL=https://watch.example.org BOTWATCH_TOKEN=bw_i_... botwatch doctor
"""

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spool", metavar="DIR", help="the agent's spool (default: BOTWATCH_SPOOL)")
    add_arguments(parser, "ingest")


def run(args: argparse.Namespace) -> int:
    patient = Patient(connection(args), args.spool)
    failed = set()
    for name, check in (*CHECKS, ("heartbeat", _heartbeat)):
        finding = check(patient)
        if finding is None:
            continue
        _report(name, finding)
        if finding.level == "fail":
            failed.add(name)
        # Without one step the next ones tell nothing, except that a bot runs without a spool on disk.
        if failed - {"spool"}:
            break
    return 1 if failed else 0


def _heartbeat(patient: Patient) -> Finding | None:
    if patient.scope != "ingest":
        return None
    try:
        with tempfile.TemporaryDirectory() as spool:
            deliver(patient.collector, spool)
    except CommandError as error:
        return Finding("fail", str(error), "the collector's log may say more")
    return Finding("ok", "a real one was sent and stored")


def _report(name: str, finding: Finding) -> None:
    level = paint(f"{finding.level:<4}", _COLOURS[finding.level], sys.stdout)
    advice = f"; {finding.advice}" if finding.advice else ""
    print(f"{level}  {name:<13}  {harmless(finding.said + advice)}", flush=True)
