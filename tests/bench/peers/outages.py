"""What arrives when something goes wrong: scenarios at 1,000 events a second, the same for every client."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .running import TIMEOUT_S, client
from .sink import Sink

PER_SECOND = 1000


class Outcome(NamedTuple):
    accepted: int
    delivered: int
    twice: int
    seconds: float | None
    """From the end of recording to the end of the process; None when it had to be killed."""


class Case:
    """One client in one scenario, with a sink and a folder of its own."""

    def __init__(self, name: str, folder: str, sink: Sink) -> None:
        self.name = name
        self.folder = folder
        self.sink = sink
        self.seconds: float | None = None
        self.expected = 0
        self.counter = Path(folder, "counter")
        self.counter.write_bytes(bytes(8))

    @property
    def accepted(self) -> int:
        return int.from_bytes(self.counter.read_bytes(), "little")

    def record(self, events: int, modes: Sequence[tuple[str, float]], ending: str) -> None:
        """Record while the sink goes through its modes; then end the process in that way."""
        arguments = (self.accepted, events, PER_SECOND, str(self.counter))
        self.expected = self.accepted + min(events, PER_SECOND)
        with client(self.name, "emit", self.sink.url, self.folder, *arguments) as process:
            self._wait_until_recording()
            for mode, seconds in modes:
                self.sink.become(mode)
                time.sleep(seconds)
            if ending != "kill":
                assert process.stdout is not None
                process.stdout.readline()
                self._end(process, ending)

    def _wait_until_recording(self) -> None:
        """Until the library is loaded and the first events are accepted, where there are any."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.accepted < self.expected and time.monotonic() < deadline:
            time.sleep(0.01)

    def _end(self, process: subprocess.Popen[str], ending: str) -> None:
        began = time.monotonic()
        try:
            process.communicate(f"{ending}\n", timeout=TIMEOUT_S)
            self.seconds = time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.seconds = None

    def outcome(self, more: int = 0) -> Outcome:
        arrived = self.sink.arrived
        accepted = self.accepted + more
        return Outcome(accepted, len(arrived), arrived.total() - len(arrived), self.seconds)


def away(mode: str, seconds: float) -> Callable[[Case], Outcome]:
    """The collector fails so for a while, and works again."""

    def run(case: Case) -> Outcome:
        events = int((seconds + 5) * PER_SECOND)
        case.record(events, (("ok", 1), (mode, seconds), ("ok", 1)), "flush")
        return case.outcome()

    return run


def slow(case: Case) -> Outcome:
    case.record(10 * PER_SECOND, (("slow", 10),), "flush")
    return case.outcome()


def kill(case: Case) -> Outcome:
    case.record(60 * PER_SECOND, (("ok", 5),), "kill")
    case.record(0, (), "restart")
    return case.outcome()


def exit_while_down(case: Case) -> Outcome:
    case.sink.become("down")
    case.record(PER_SECOND, (), "exit")
    seconds = case.seconds
    case.sink.become("ok")
    case.record(0, (), "restart")
    return case.outcome()._replace(seconds=seconds)


def fork(case: Case) -> Outcome:
    case.record(100, (), "fork")
    return case.outcome(more=1000)


SCENARIOS: dict[str, Callable[[Case], Outcome]] = {
    "down for 10 s": away("down", 10),
    "down for 30 s": away("down", 30),
    "500 for 10 s": away("500", 10),
    "429 for 10 s": away("429", 10),
    "replies after 2 s": slow,
    "kill -9": kill,
    "exit while down": exit_while_down,
    "fork": fork,
}


def outcomes(scenario: str, names: Sequence[str]) -> list[Outcome]:
    """Of each client, all at the same time."""

    def run(name: str) -> Outcome:
        with tempfile.TemporaryDirectory() as folder, Sink() as sink:
            return SCENARIOS[scenario](Case(name, folder, sink))

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(run, names))
