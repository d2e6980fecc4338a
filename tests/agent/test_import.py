"""Embedding the agent costs next to nothing until it starts."""

import subprocess
import sys
from pathlib import Path

LOADED = "import sys; before = set(sys.modules); import botwatch; print(*sorted(set(sys.modules) - before))"


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def test_import_loads_the_standard_library_alone() -> None:
    loaded = {name.partition(".")[0] for name in run(LOADED).split()} - {"botwatch"}
    assert loaded <= sys.stdlib_module_names


def test_import_loads_nothing_heavy() -> None:
    heavy = {"asyncio", "dataclasses", "http", "inspect", "logging", "socket", "ssl", "typing", "urllib"}
    assert not heavy & set(run(LOADED).split())


def test_import_costs_less_than_a_plain_asyncio() -> None:
    timed = "import time; started = time.perf_counter(); import {}; print(time.perf_counter() - started)"

    def best(module: str) -> float:
        return min(float(run(timed.format(module))) for _ in range(5))

    assert best("botwatch") < best("asyncio")


def test_start_loads_no_asyncio(tmp_path: Path) -> None:
    program = (
        "import botwatch, sys; from tests.agent.collector_double import TOKEN\n"
        f"agent = botwatch.start('http://127.0.0.1:9', TOKEN, spool_dir={str(tmp_path)!r})\n"
        "agent.before_fork(); agent.stop()\n"
        "print('asyncio' in sys.modules)"
    )
    assert run(program) == "False\n"


def test_start_adds_two_threads(tmp_path: Path) -> None:
    program = (
        "import botwatch, threading; from tests.agent.collector_double import TOKEN\n"
        f"botwatch.start('http://127.0.0.1:9', TOKEN, spool_dir={str(tmp_path)!r})\n"
        "print(sorted(thread.name for thread in threading.enumerate()))"
    )
    assert run(program) == "['MainThread', 'botwatch-pulse', 'botwatch-sender']\n"
