"""What fails under the collector costs delay, nothing else: the agent of a bot delivers everything, once."""

import fcntl
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from botwatch import Agent
from botwatch_collector import db, models

from ..collector.server import COMMAND, Server
from ..waiting import until

Fault = Callable[[], AbstractContextManager[None]]
AGENT = {"linger_s": 0.05, "retry_s": 0.05, "adopt_s": 0.1, "heartbeat_s": 600.0, "sample_s": 600.0}


class Bot:
    """A bot that says something new each time."""

    def __init__(self, server: Server, spool: Path) -> None:
        self._server, self._spool = server, spool
        self._token, self._read_token = server.add_bot("shop"), server.add_read_token()
        self.said: list[str] = []
        self.agent = self._started()

    def start_again(self) -> None:
        """What Retry-After was is forgotten."""
        self.agent.stop()
        self.agent = self._started()

    def say(self, count: int = 20) -> None:
        for _ in range(count):
            self.said.append(f"message {len(self.said)}")
            self.agent.message(user_id="alice", text=self.said[-1])

    def say_in_vain(self) -> None:
        """And wait until the collector has answered with 503."""
        before = self.agent.stats()["errors"]
        self.say()
        until(lambda: self.agent.stats()["errors"] > before)
        assert "HTTP 503" in self.agent.stats()["last_error"]

    def ask(self, path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._read_token}"}
        return requests.get(f"{self._server.url}{path}", headers=headers, timeout=60)

    def send_by_hand(self) -> requests.Response:
        """Something that nobody is to find stored."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/x-ndjson"}
        event = '{"kind":"message","ts":1,"id":"by-hand","direction":"out","text":"by hand","user_id":null}'
        body = f'{{"v":1,"instance":"by-hand"}}\n{event}\n'
        return requests.post(f"{self._server.url}/api/events", body, headers=headers, timeout=60)

    def _started(self) -> Agent:
        return Agent().start(self._server.url, self._token, spool_dir=self._spool, **AGENT)


@pytest.fixture
def bot(server: Server, tmp_path: Path) -> Iterator[Bot]:
    one = Bot(server, tmp_path / "spool")
    yield one
    one.agent.stop()


def stored_texts(url: str) -> list[str | None]:
    opened = db.connect(url)
    with db.connected():
        found = [row.text for row in models.Message.select().order_by(models.Message.id)]
        counted = [row.messages_in + row.messages_out for row in models.MessageDay.select()]
    opened.close_all()
    assert sum(counted) == len(found)
    return found


@contextmanager
def full_disk_of_sqlite(server: Server) -> Iterator[None]:
    """No process of the server may write beyond a file's first page, as if the disk ended there."""
    master = psutil.Process(server.pid)
    pids = [server.pid, *(child.pid for child in master.children(recursive=True))]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
    yield
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def full_disk_of_postgresql(url: str) -> Iterator[None]:
    """PostgreSQL's own answer to it."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE 'could not extend file: No space left' USING ERRCODE = 'disk_full'; END$$"
        )
        admin.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON event_sequence EXECUTE FUNCTION full_disk()"
        )
        yield
        admin.execute("DROP FUNCTION full_disk CASCADE")


@contextmanager
def read_only_postgresql(url: str) -> Iterator[None]:
    """As a standby is, to which a connection was led."""
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        end_other_connections(admin)
        yield
        admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        end_other_connections(admin)


def end_other_connections(admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@contextmanager
def lock_on_sqlite(path: str) -> Iterator[None]:
    with Path(f"{path}-write-lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def lock_on_postgresql(url: str) -> Iterator[None]:
    with psycopg.connect(url) as admin:
        admin.execute("UPDATE event_sequence SET reserved_id = reserved_id")
        yield


def refusals(server: Server, url: str) -> list[Fault]:
    """What lets the database take nothing until it is mended."""
    if url.startswith("sqlite"):
        return [lambda: full_disk_of_sqlite(server)]
    return [lambda: full_disk_of_postgresql(url), lambda: read_only_postgresql(url)]


def lock(url: str) -> AbstractContextManager[None]:
    path = url.removeprefix("sqlite:///")
    return lock_on_sqlite(path) if url != path else lock_on_postgresql(url)


def test_database_that_takes_nothing_costs_delay_and_nothing_else(
    bot: Bot, server: Server, database_url: str
) -> None:
    workers = server.worker_pids
    bot.say()
    assert bot.agent.flush(60)
    for fault in refusals(server, database_url):
        with fault():
            bot.say_in_vain()
            reply = bot.send_by_hand()
            assert reply.status_code == 503 and int(reply.headers["Retry-After"]) <= 5
            # The pages go on, once those connections are known to be gone that were ended.
            until(lambda: bot.ask("/debug/metrics").status_code == 200)
            assert bot.ask("/debug/metrics").json()["messages"]["total"] < len(bot.said)
            until(lambda: "[-]ingest failed" in bot.ask("/readyz?verbose").text)
        # Without anybody's doing: no process is started anew.
        until(lambda: [bot.ask("/readyz").status_code for _ in range(4)] == [200] * 4)
        assert bot.agent.flush(60)
    with lock(database_url):
        bot.say()
        assert bot.ask("/debug/metrics").status_code == 200
        assert not bot.agent.flush(0.5)
    assert bot.agent.flush(60)

    assert stored_texts(database_url) == bot.said
    assert bot.agent.stats()["losses"] == {}
    assert server.worker_pids == workers


def test_file_that_may_only_be_read_costs_delay_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "botwatch.db"
    with Server(f"sqlite:///{path}", workers=1) as server, stopped_in_the_end(server, tmp_path) as bot:
        bot.say()
        assert bot.agent.flush(60)
        ended(server, path)
        # Root may write to any file, SQLite to none of a version that it doesn't know.
        with byte_of(path, WRITE_VERSION, 3):
            server.restart()
            bot.say_in_vain()
            assert bot.ask("/debug/metrics").json()["messages"]["total"] == 20
            assert "[-]ingest failed" in bot.ask("/readyz?verbose").text
            ended(server, path)
        server.restart()
        assert bot.agent.flush(60)

    assert stored_texts(f"sqlite:///{path}") == bot.said


def test_damaged_file_is_noticed_and_spared_until_it_is_replaced(tmp_path: Path) -> None:
    path, sound = tmp_path / "botwatch.db", tmp_path / "sound.db"
    with Server(f"sqlite:///{path}", workers=1) as server, stopped_in_the_end(server, tmp_path) as bot:
        bot.say()
        assert bot.agent.flush(60)
        ended(server, path)
        shutil.copy(path, sound)
        overwrite_page(path, "message")
        server.restart()
        workers = server.worker_pids

        bot.say_in_vain()
        assert "[-]intact failed" in requests.get(f"{server.url}/readyz?verbose", timeout=60).text
        quick = bot.ask("/debug/health-quick")
        assert (quick.status_code, quick.json()["checks"]["database"]["status"]) == (503, "fail")
        assert bot.send_by_hand().headers["Retry-After"] == "60"
        assert server.worker_pids == workers
        assert "botwatch.db is damaged (database disk image is malformed)" in server.log

        # Who starts on it knows from the note, without meeting the damage again.
        ended(server, path)
        server.restart(readiness=503)
        refused = bot.send_by_hand()
        assert "damaged" in refused.json()["error"]["message"]
        assert check(server) == 1

        ended(server, path)
        sound.rename(path)
        server.restart()
        bot.start_again()
        assert bot.agent.flush(60)
        assert check(server) == 0
        assert not path.with_name("botwatch.db-damaged").exists()

    assert stored_texts(f"sqlite:///{path}") == bot.said


WRITE_VERSION = 18
"""Where the header of SQLite's file says which version may write it."""


@contextmanager
def stopped_in_the_end(server: Server, folder: Path) -> Iterator[Bot]:
    bot = Bot(server, folder / "spool")
    try:
        yield bot
    finally:
        bot.agent.stop()


@contextmanager
def byte_of(path: Path, at: int, value: int) -> Iterator[None]:
    before = path.read_bytes()[at]
    overwrite(path, at, bytes([value]))
    yield
    overwrite(path, at, bytes([before]))


def overwrite(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def ended(server: Server, path: Path) -> None:
    """All that was written is in the one file then."""
    server.kill9()
    with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.DatabaseError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def overwrite_page(path: Path, table: str) -> None:
    """The root of a table: what a disk might do to it."""
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        # Else the first to meet the damage may be who takes the last messages into the index.
        connection.execute("UPDATE message_index_state SET upto = reserved_id FROM event_sequence")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(path, (root - 1) * size, os.urandom(size))


def check(server: Server) -> int:
    """The exit status of the command; what is wrong stands on its standard output."""
    done = subprocess.run(
        [*COMMAND, "check"], env=server.environment, capture_output=True, text=True, check=False
    )
    assert bool(done.stdout) == (done.returncode == 1)
    return done.returncode
