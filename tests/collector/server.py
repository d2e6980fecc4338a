"""A real `botwatch-collector serve` for end-to-end tests: started, killed and started again at will."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil
import requests

COMMAND = (str(Path(sys.executable).with_name("botwatch-collector")),)
_WAIT_S = 60


class Server:
    """A context manager that gives a ready server. `url` stays the same over restarts.

    `environment` holds further BOTWATCH_ variables; those of the test's own process are not passed on.
    """

    def __init__(
        self, database_url: str, environment: Mapping[str, str] | None = None, *, workers: int = 2
    ) -> None:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")}
        given = {"BOTWATCH_DATABASE": database_url, "BOTWATCH_WORKERS": str(workers)}
        # Tests store messages of any age, and expect to find them.
        given |= {"BOTWATCH_KEEP_MESSAGES": "0", "BOTWATCH_KEEP_ACTIVITIES": "0"}
        self.environment = outer | given | dict(environment or {})
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []
        self._listening = threading.Event()
        self._reading: threading.Thread | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill9()

    @property
    def log(self) -> str:
        """What it wrote to stderr, over all starts."""
        return "".join(self._log)

    @property
    def pid(self) -> int:
        """The master's."""
        assert self._process is not None
        return self._process.pid

    @property
    def worker_pids(self) -> list[int]:
        """Those alive; one that was killed may not be buried yet."""
        # A companion has a name of its own.
        own = psutil.Process(self.pid).name()
        return [pid for pid, name in self._children() if name == own]

    def companion_pid(self, name: str) -> int | None:
        """The process beside the workers of that name, if it is alive."""
        return next((pid for pid, its_name in self._children() if its_name == name), None)

    @property
    def streamer_pid(self) -> int:
        """0 while it is being replaced."""
        return self.companion_pid("botwatch-stream") or 0

    def _children(self) -> list[tuple[int, str]]:
        """Pids and names of those alive."""
        alive = []
        for child in psutil.Process(self.pid).children():
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE:
                    alive.append((child.pid, child.name()))
        return alive

    def start(self, readiness: int = 200) -> None:
        """Start and wait until /readyz answers so; on the same port as before, if there was one."""
        address = self.url.removeprefix("http://") or "127.0.0.1:0"
        self._listening.clear()
        self._process = subprocess.Popen(
            [*COMMAND, "serve", "--listen", address],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own, so that `kill9` takes the workers along.
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read, args=(self._process,))
        self._reading.start()
        if not self._listening.wait(_WAIT_S) or not self.url:
            self.kill9()
            raise AssertionError(f"the server did not start:\n{self.log}")
        assert requests.get(f"{self.url}/readyz", timeout=_WAIT_S).status_code == readiness

    def restart(self, readiness: int = 200) -> None:
        """Start again after `kill9` or `terminate`."""
        self.start(readiness)

    def kill9(self) -> None:
        """End the master and the workers as a power cut would; safe to repeat."""
        self._end(signal.SIGKILL)

    def kill9_master(self) -> None:
        """End the master alone, and wait until the others have followed it."""
        os.kill(self.pid, signal.SIGKILL)
        self._await_end()

    def terminate(self, *, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, wait until all its processes have, and return the exit status."""
        assert self._process is not None
        self._process.send_signal(by)
        status = self._process.wait(_WAIT_S)
        self._end(signal.SIGKILL)
        return status

    def add_bot(self, name: str) -> str:
        """Register a bot; its ingest token."""
        return self.command("bot", "add", name)

    def add_read_token(self, bot: str | None = None) -> str:
        return self.command("token", "add", "--scope", "read", *(("--bot", bot) if bot else ()))

    def add_account(self, name: str, password: str, role: str = "viewer") -> None:
        self.command("account", "add", name, "--role", role, given=password + "\n")

    def command(self, *arguments: str, given: str = "") -> str:
        """Run the command on the same database; what it printed, without the line's end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line)
            if found := re.match(r"listening on (http://\S+)", line):
                self.url = found[1]
                self._listening.set()
        # It ended: whoever waits for it to listen needn't any longer.
        self._listening.set()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._reading is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._await_end()

    def _await_end(self) -> None:
        assert self._process is not None and self._reading is not None
        self._process.wait(_WAIT_S)
        # The pipe ends with its last holder: then the workers are gone as well, and the port is free.
        self._reading.join(_WAIT_S)
        assert self._process.stderr is not None
        self._process.stderr.close()
