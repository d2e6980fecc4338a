"""`botwatch-collector demo` from start to Ctrl-C: real processes, the real agent, nothing left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.request import Request, urlopen

import psutil
import pytest

from botwatch_collector.demo.history import past_turns
from botwatch_collector.demo.people import Crowd
from botwatch_collector.demo.processes import free_address

DAY_MS = 86_400_000
ENDS_WITHIN_S = 30


@dataclass
class Demo:
    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def read_until(self, pattern: str) -> "re.Match[str]":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError("".join(self.lines))

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(ENDS_WITHIN_S)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    command = [sys.executable, "-P", "-m", "botwatch_collector", "demo", "--days", "2", "--users", "60"]
    process = subprocess.Popen(
        [*command, "--listen", free_address_of_any_port()],
        # Settings of the caller's own collector and bot, which the demo must leave alone.
        env={
            **os.environ,
            "TMPDIR": str(tmp_path),
            "BOTWATCH_DATABASE_FILE": str(tmp_path / "no-such-file"),
            "BOTWATCH_ENABLED": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Demo(process)
        finally:
            if process.poll() is None:
                process.terminate()


def free_address_of_any_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def get(url: str, token: str = "") -> str:
    with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=30) as response:
        assert response.status == 200
        return str(response.read().decode())


def test_demo_fills_its_history_goes_live_and_ends_without_a_trace(demo: Demo, tmp_path: Path) -> None:
    url = demo.read_until(r"page +(http://\S+)")[1]
    token = demo.read_until(r"stream .*(bw_r_\w+)")[1]
    assert get(f"{url}/readyz")

    messages = int(demo.read_until(r"100% +([\d,]+) messages")[1].replace(",", ""))
    overview = json.loads(get(f"{url}/api/analytics/overview", token))
    assert messages > 100
    assert overview["messages"]["total"] > 0

    with urlopen(
        Request(f"{url}/debug/message-stream", headers={"Authorization": f"Bearer {token}"})
    ) as stream:
        live = next(json.loads(line[6:]) for line in stream if line.startswith(b"data: "))
    assert live["bot"] == "shop-helper"

    started = demo.descendants()
    assert len(started) >= 2
    assert demo.interrupt() == 0
    assert [process for process in started if process.is_running()] == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith("botwatch-demo-")] == []


def test_demo_that_cannot_listen_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = subprocess.run(
            [sys.executable, "-P", "-m", "botwatch_collector", "demo", "--listen", address],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert refused.returncode == 1
    assert "in use" in refused.stderr
    assert list(tmp_path.glob("botwatch-demo-*")) == []


def test_another_port_is_found_when_the_usual_one_is_taken() -> None:
    with socket.socket() as taken:
        first = free_address()
        host, port = first.split(":")
        taken.bind((host, int(port)))
        taken.listen()
        assert free_address() != first


def test_history_is_the_same_every_time_and_stays_in_its_window() -> None:
    def history() -> list[tuple[str, int, str, int]]:
        random = Random(1)
        turns = past_turns(Crowd(50, random), 50, 10 * DAY_MS, 13 * DAY_MS, random)
        return [(past.turn.person.user_id, past.asked_at, past.turn.text, past.response_ms) for past in turns]

    turns = history()
    assert turns == history()
    assert turns == sorted(turns, key=lambda turn: turn[1])
    assert turns[0][1] >= 10 * DAY_MS
    assert all(asked_at + response_ms < 13 * DAY_MS for _, asked_at, _, response_ms in turns)


def test_history_has_nights_and_weekends() -> None:
    random = Random(1)
    weeks = list(
        past_turns(Crowd(300, random), 300, 4 * DAY_MS, 32 * DAY_MS, random)
    )  # four weeks from a Monday
    by_weekday = [sum(past.asked_at // DAY_MS % 7 == (4 + day) % 7 for past in weeks) for day in range(7)]
    by_hour = [sum(past.asked_at % DAY_MS // 3_600_000 == hour for past in weeks) for hour in range(24)]
    assert max(by_weekday[5:]) < min(by_weekday[:5])
    assert max(by_hour) > 4 * min(by_hour)
