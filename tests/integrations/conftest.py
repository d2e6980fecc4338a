"""What a bot needs around it in a test: a collector, a Bot API, and a process to run in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import botwatch

from .real_collector import RealCollector
from .telegram_double import TOKEN, BotApi

BOTS = Path(__file__).parent / "bots"
PATIENCE_S = 60


@pytest.fixture(scope="session")
def new_collector():
    """Makes collectors: context managers with `url`, `token` and `messages()`."""
    return RealCollector


@pytest.fixture
def collector(new_collector) -> Iterator[RealCollector]:
    with new_collector() as one:
        yield one


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as double:
        yield double


@pytest.fixture
def agent(collector, tmp_path: Path) -> Iterator[botwatch.Agent]:
    """An agent in this very process."""
    agent = botwatch.Agent()
    agent.start(collector.url, collector.token, spool_dir=tmp_path / "spool", linger_s=0.1)
    yield agent
    agent.stop()


def running_bot(program: str, api: BotApi, collector, directory: Path, *arguments: str):
    """A Telegram bot of `bots`, as a context manager."""
    return running(program, collector, directory, api.url, TOKEN, *arguments)


@contextmanager
def running(
    program: str,
    collector,
    directory: Path,
    *arguments: str,
    python: str | Path = sys.executable,
    flags: tuple[str, ...] = ("-W", "error"),
) -> Iterator[None]:
    """A program of `bots` as a process of its own, ended as a person would end it."""
    path = directory / f"{program}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [str(python), *flags, str(BOTS / f"{program}.py"), *arguments],
            env=agent_environment(collector, directory),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)
            print(path.read_text())


def agent_environment(collector, directory: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")},
        "BOTWATCH_URL": collector.url,
        "BOTWATCH_TOKEN": collector.token,
        "BOTWATCH_SPOOL": str(directory / "spool"),
    }


def eventually(is_reached: Callable[[], bool]) -> None:
    """Wait for a condition in another process."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
