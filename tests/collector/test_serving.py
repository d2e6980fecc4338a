"""The real server: it starts, survives its workers, ends cleanly, and refuses what it can't serve."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from gunicorn.workers.gthread import ThreadWorker

from botwatch_collector import db
from botwatch_collector.access import accounts
from botwatch_collector.serving import Worker

from .databases import using
from .server import COMMAND, Server


@pytest.fixture
def one_server(tmp_path: Path) -> Iterator[Server]:
    """For what is the same on both databases."""
    with Server(f"sqlite:///{tmp_path}/botwatch.db") as running:
        yield running


def whoami(server: Server, token: str) -> requests.Response:
    return requests.get(f"{server.url}/api/whoami", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def imported_by(server: Server) -> set[str]:
    """What its processes have imported, if PYTHONPROFILEIMPORTTIME was set."""
    lines = (line for line in server.log.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def refused_start(server: Server, address: str = "127.0.0.1:0") -> str:
    command = [*COMMAND, "serve", "--listen", address]
    done = subprocess.run(
        command, env=server.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_start_imports_only_what_serving_on_sqlite_needs(tmp_path: Path) -> None:
    with Server(f"sqlite:///{tmp_path}/botwatch.db", {"PYTHONPROFILEIMPORTTIME": "1"}) as server:
        imported = imported_by(server)
    others = {"psycopg.pq", "asyncio", "botwatch_collector.backup", "botwatch_collector.demo"}
    assert "botwatch_collector.app" in imported
    assert imported & others == set()


def test_killed_worker_is_replaced(server: Server) -> None:
    token = server.add_bot("alpha")
    first = server.worker_pids
    assert len(first) == 2

    for pid in first:
        os.kill(pid, signal.SIGKILL)

    # The master holds the port, so that the request waits for a new worker.
    assert whoami(server, token).json()["bot"] == "alpha"
    assert not set(first) & set(server.worker_pids)


def test_killed_server_serves_again_on_its_port(server: Server) -> None:
    token, url = server.add_bot("alpha"), server.url

    server.kill9()
    server.restart()

    assert server.url == url
    assert whoami(server, token).status_code == 200


def test_workers_of_a_killed_master_give_up_the_port(one_server: Server) -> None:
    token = one_server.add_bot("alpha")
    os.kill(one_server.pid, signal.SIGKILL)

    with Server(one_server.environment["BOTWATCH_DATABASE"]) as successor:
        successor.terminate()
        successor.url = one_server.url
        successor.restart()
        assert whoami(successor, token).status_code == 200


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(one_server: Server, by: signal.Signals) -> None:
    assert one_server.terminate(by=by) == 0
    assert "Traceback" not in one_server.log
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{one_server.url}/livez", timeout=5)


def test_ctrl_c_in_a_terminal_ends_it_cleanly(one_server: Server) -> None:
    os.killpg(one_server.pid, signal.SIGINT)

    assert one_server.terminate(by=signal.SIGINT) == 0
    assert "Traceback" not in one_server.log


def test_signal_while_workers_start_is_not_lost(tmp_path: Path) -> None:
    environment = Server(f"sqlite:///{tmp_path}/botwatch.db").environment
    for _ in range(5):
        command = [*COMMAND, "serve", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            while not process.stderr.readline().startswith("listening on"):
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            # After 30 s gunicorn would kill a worker that didn't hear it.
            assert process.wait(20) == 0


def test_open_streams_do_not_hold_up_the_end(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.add_read_token()}"}
    with ExitStack() as stack:
        for _ in range(4):
            reply = requests.get(
                f"{server.url}/debug/message-stream", headers=headers, stream=True, timeout=30
            )
            stack.enter_context(reply)
            assert next(reply.iter_content(1))
        started = time.monotonic()
        assert server.terminate() == 0
        # Far from the 30 s that gunicorn would wait before it kills them.
        assert time.monotonic() - started < 10
    assert "SIGKILL" not in server.log


def test_worker_starts_again_while_the_database_is_away(tmp_path: Path) -> None:
    path = tmp_path / "botwatch.db"
    with Server(f"sqlite:///{path}", workers=1) as server:
        token = server.add_bot("alpha")
        hidden = tmp_path / "away"
        path.rename(hidden)
        path.mkdir()

        os.kill(server.worker_pids[0], signal.SIGKILL)
        assert whoami(server, token).status_code == 503
        assert requests.get(f"{server.url}/livez", timeout=30).status_code == 200

        path.rmdir()
        hidden.rename(path)
        assert whoami(server, token).status_code == 200


def test_address_is_logged_without_its_query(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(
        ThreadWorker, "handle_error", lambda self, request, client, address, error: logged.append(request.uri)
    )
    request = SimpleNamespace(uri="/page?token=bw_r_x", path="/page")

    Worker.__new__(Worker).handle_error(request, None, None, ValueError())

    assert logged == ["/page"]


def test_newer_schema_refuses_the_start(server: Server) -> None:
    server.terminate()
    with using(server.environment["BOTWATCH_DATABASE"]):
        db.database.execute_sql("INSERT INTO migration VALUES (9000, 'later', '', 0)")

    assert refused_start(server).startswith("error: the database has schema 9000")


def test_taken_port_is_named(one_server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert f"error: BOTWATCH_LISTEN: can't listen on {address}" in refused_start(one_server, address)


def test_many_may_start_at_once_on_an_empty_database(database_url: str, postgres: object) -> None:
    empty_the_database(database_url)
    with ExitStack() as stack:
        first_account = {"BOTWATCH_ADMIN_USER": "alice", "BOTWATCH_ADMIN_PASSWORD": "correct horse"}
        servers = [Server(database_url, first_account, workers=1) for _ in range(3)]
        starts = [threading.Thread(target=server.start) for server in servers]
        for server in servers:
            stack.callback(server.kill9)
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        token = servers[0].add_bot("alpha")
        assert [whoami(server, token).status_code for server in servers] == [200, 200, 200]
    with using(database_url):
        assert [account.username for account in accounts.listed()] == ["alice"]


def test_first_account_comes_from_the_environment(database_url: str) -> None:
    environment = {"BOTWATCH_ADMIN_USER": "alice", "BOTWATCH_ADMIN_PASSWORD": "correct horse"}
    with Server(database_url, environment, workers=1) as server:
        server.terminate()
        server.command("account", "passwd", "alice", given="another horse\n")
        server.restart()
    with using(database_url):
        alice = accounts.verified("alice", "another horse")
        assert alice is not None and alice.role == "admin"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"BOTWATCH_ADMIN_USER": "alice", "BOTWATCH_ADMIN_PASSWORD": "short"}, "BOTWATCH_ADMIN_PASSWORD: "),
        ({"BOTWATCH_ADMIN_USER": "alice"}, "BOTWATCH_ADMIN_PASSWORD: needed"),
        ({"BOTWATCH_ADMIN_PASSWORD": "correct horse"}, "BOTWATCH_ADMIN_USER: needed"),
        ({"BOTWATCH_WORKERS": "many"}, "BOTWATCH_WORKERS: expected a whole number"),
        ({"BOTWATCH_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}, "the database (BOTWATCH_DATABASE)"),
    ],
)
def test_bad_setting_refuses_the_start(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    server = Server(f"sqlite:///{tmp_path}/botwatch.db", environment)

    error = refused_start(server)

    assert error.startswith("error: ")
    assert said in error


def test_tokens_stay_out_of_the_log(one_server: Server) -> None:
    token = one_server.add_bot("alpha")
    whoami(one_server, token)
    whoami(one_server, token[:-1] + "x")
    requests.get(f"{one_server.url}/nowhere?token={token}", timeout=30)

    one_server.terminate()

    assert token not in one_server.log
    assert token[:-1] not in one_server.log


def empty_the_database(url: str) -> None:
    with using(url):
        if db.is_postgresql():
            db.database.execute_sql("DROP SCHEMA public CASCADE")
            db.database.execute_sql("CREATE SCHEMA public")
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).unlink()
