"""The console script as a person runs it, and a collector to run it against."""

import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..integrations.collector_double import CollectorDouble

SCRIPT = Path(sysconfig.get_path("scripts")) / "botwatch"


@pytest.fixture
def collector() -> Iterator[CollectorDouble]:
    with CollectorDouble() as double:
        yield double


@pytest.fixture
def start(collector, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command with the collector's ingest token; those still running at the end are killed."""
    running = []

    def start_command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(SCRIPT), *arguments],
            env=clean_environment()
            | {
                "BOTWATCH_URL": collector.url,
                "BOTWATCH_TOKEN": collector.token,
                "BOTWATCH_SPOOL": str(tmp_path / "spool"),
                "PYTHONWARNINGS": "error",
            }
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        running.append(process)
        return process

    yield start_command
    for process in running:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


@pytest.fixture
def run(start) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command to its end."""

    def run_command(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, **environment)
        out, err = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run_command


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")}
