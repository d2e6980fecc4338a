"""An agent, the collector it sends to, and programs that use it in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import botwatch

from .collector_double import TOKEN, CollectorDouble

FAST = {"linger_s": 0.05, "retry_s": 0.05, "adopt_s": 0.1}


@pytest.fixture
def collector() -> Iterator[CollectorDouble]:
    """What arrives at it has the contract's shape, whatever the test is about."""
    with CollectorDouble() as double:
        yield double
    assert double.faults == []


@pytest.fixture
def start(collector: CollectorDouble, tmp_path: Path) -> Iterator[Callable[..., botwatch.Agent]]:
    """Starts agents that send to the collector without lingering, and stops them in the end."""
    agents: list[botwatch.Agent] = []

    def start(**settings: Any) -> botwatch.Agent:
        defaults = {"url": collector.url, "token": TOKEN, "spool_dir": tmp_path / "spool"}
        agent = botwatch.Agent().start(**(defaults | FAST | settings))
        agents.append(agent)
        return agent

    yield start
    for agent in agents:
        agent.stop()


@pytest.fixture
def agent(start: Callable[..., botwatch.Agent]) -> botwatch.Agent:
    return start()


@pytest.fixture
def run_python(collector: CollectorDouble, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a program as a process of its own, with this collector and spool in its environment."""

    def run(program: str, **environment: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            env=inherited
            | {
                "BOTWATCH_URL": collector.url,
                "BOTWATCH_TOKEN": TOKEN,
                "BOTWATCH_SPOOL": str(tmp_path / "spool"),
            }
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return run
