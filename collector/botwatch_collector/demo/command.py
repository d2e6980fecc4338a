"""`botwatch-collector demo`: a collector, a bot with simulated users and a month of history, until Ctrl-C."""

import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from . import progress
from .processes import DemoFailed, Process, answer_of, first_ended, free_address, running, wait_until_ready

COLLECTOR = "botwatch_collector"
BOT = "botwatch_collector.demo.bot"
BOT_NAME = "shop-helper"
USERNAME = "demo"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Access:
    """What a person needs to look at the demo from outside."""

    url: str
    password: str
    ingest_token: str
    read_token: str


def run(listen: str | None = None, days: int = 30, users: int = 400, keep: bool = False) -> int:
    """Run the demo until Ctrl-C and return the exit status; nothing of it stays, except data with `keep`."""
    for number in ENDING:
        signal.signal(number, _interrupt)
    try:
        with _folder(keep) as folder:
            _run_in(folder, listen or free_address(), days, users)
    except DemoFailed as failure:
        print(f"botwatch-collector demo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo has ended.")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not stop the ending half way.
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="botwatch-demo-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"\nIts data and logs stay in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run_in(folder: Path, address: str, days: int, users: int) -> None:
    print("Starting a collector ...", flush=True)
    password = secrets.token_urlsafe(9)
    environment = {
        "BOTWATCH_DATABASE": f"sqlite:///{folder / 'botwatch.db'}",
        "BOTWATCH_LISTEN": address,
        "BOTWATCH_ADMIN_USER": USERNAME,
        "BOTWATCH_ADMIN_PASSWORD": password,
    }
    url = f"http://{address}"
    log = folder / "collector.log"
    with running(COLLECTOR, "serve", environment=environment, log=log) as collector:
        wait_until_ready(url, collector, log)
        access = Access(
            url=url,
            password=password,
            ingest_token=answer_of(COLLECTOR, "bot", "add", BOT_NAME, environment=environment),
            read_token=answer_of(COLLECTOR, "token", "add", "--scope", "read", environment=environment),
        )
        print(_introduction(access), flush=True)
        _run_bot(folder, access, collector, days, users)


def _run_bot(folder: Path, access: Access, collector: Process, days: int, users: int) -> None:
    environment = {
        "BOTWATCH_URL": access.url,
        "BOTWATCH_TOKEN": access.ingest_token,
        "BOTWATCH_BOT": BOT_NAME,
        "BOTWATCH_SPOOL": str(folder / "spool"),
    }
    log = folder / "bot.log"
    arguments = ["--days", str(days), "--users", str(users)]
    with running(BOT, *arguments, environment=environment, log=log, stdout=subprocess.PIPE) as bot:
        progress.follow(bot, days)
        raise DemoFailed(first_ended({"collector": collector, "bot": bot}, folder))


def _introduction(access: Access) -> str:
    bearer = f"-H 'Authorization: Bearer {access.read_token}'"
    return f"""
    page       {access.url}
    log in as  {USERNAME}, password {access.password}
    stream     curl -N {bearer} {access.url}/debug/message-stream
    metrics    curl {bearer} {access.url}/metrics

Ctrl-C ends the demo.
"""
