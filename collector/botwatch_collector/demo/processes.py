"""Starts the demo's processes and ends every one of them, whatever happens in between."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

READY_WITHIN_S = 60
ENDED_WITHIN_S = 10
DEFAULT_PORT = 8400

Process = subprocess.Popen[str]


class DemoFailed(Exception):
    """A part of the demo did not start or ended by itself; the message says which, and its last words."""


@contextmanager
def running(
    module: str, *arguments: str, environment: Mapping[str, str], log: Path, stdout: int | None = None
) -> Iterator[Process]:
    """A module of ours as a process; it and all that it started have ended when the block is left.

    Its output goes to `log`; with `stdout=subprocess.PIPE` only its errors do.
    """
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            env=_only(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout or errors,
            stderr=errors,
            text=True,
            # A session of its own: Ctrl-C reaches only us, so that we end the bot before its collector.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDED_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _only(environment: Mapping[str, str]) -> dict[str, str]:
    """Our settings and none of the caller's, whose BOTWATCH_DATABASE_FILE would win over our database."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")}
    return {**others, **environment}


def answer_of(module: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """What a command of ours prints; raises DemoFailed with its complaint."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        env=_only(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def wait_until_ready(url: str, process: Process, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoFailed(f"the collector ended at once:\n{_last_words(log)}")
        if _answers(f"{url}/readyz"):
            return
        time.sleep(0.05)
    raise DemoFailed(f"the collector is not ready after {READY_WITHIN_S} seconds:\n{_last_words(log)}")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310 - always http, on an address of ours
            return bool(response.status == 200)
    except HTTPError as refusal:
        refusal.close()
        return False
    except OSError:
        return False


def first_ended(processes: Mapping[str, Process], folder: Path) -> str:
    """Wait until one of the processes ends by itself; returns which, with the end of its log, NAME.log."""
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                return f"the {name} ended by itself:\n{_last_words(folder / f'{name}.log')}"
        time.sleep(0.25)


def _last_words(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def free_address() -> str:
    """The collector's usual address, or one with another port when somebody listens there."""
    for port in (DEFAULT_PORT, 0):
        with socket.socket() as listener:
            # As the collector does: a port that only lingers after an earlier run is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                listener.bind(("127.0.0.1", port))
                return f"127.0.0.1:{listener.getsockname()[1]}"
    raise DemoFailed("no port is free on 127.0.0.1")
