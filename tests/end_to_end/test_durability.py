"""What is acknowledged survives kill -9 of whatever there is, and what is sent again is stored once."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from botwatch import Agent

from ..collector.server import Server
from ..postgres import PostgresServer
from ..waiting import until
from .senders import BATCH, check_stored, sending, wait_for_more


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer.start(durable=True)
    yield server
    server.stop()


def kill_worker(server: Server) -> None:
    os.kill(random.choice(server.worker_pids), signal.SIGKILL)


def kill_master(server: Server) -> None:
    server.kill9_master()
    server.restart()


def kill_all(server: Server) -> None:
    server.kill9()
    server.restart()


VICTIMS = (kill_all, kill_worker, kill_master)


def test_kill_9_loses_nothing_acknowledged_and_doubles_nothing(
    database_url: str, pytestconfig: pytest.Config
) -> None:
    kills: int = pytestconfig.getoption("kills")
    with Server(database_url) as server, sending(server.url, server.add_bot("alice"), 4) as senders:
        for number in range(kills):
            wait_for_more(senders, 40 * BATCH)
            VICTIMS[number % len(VICTIMS)](server)
        wait_for_more(senders, 10 * BATCH)

    assert check_stored(database_url, senders) == []


def test_killed_postgresql_costs_503s_and_nothing_acknowledged(
    durable_postgres: PostgresServer, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    url = durable_postgres.create("botwatch")
    with Server(url) as server, sending(server.url, server.add_bot("alice"), 2) as senders:
        workers = server.worker_pids
        agent = Agent().start(server.url, server.add_bot("shop"), spool_dir=tmp_path / "spool", linger_s=0.05)
        for outage in range(max(1, pytestconfig.getoption("kills") // 4)):
            wait_for_more(senders, 10 * BATCH)
            durable_postgres.kill()
            agent.message(user_id="alice", text=f"outage {outage}")
            # For as long as it takes the agent to come back in vain.
            errors = agent.stats()["errors"]
            until(lambda errors=errors: agent.stats()["errors"] >= errors + 2)  # type: ignore[misc]
            assert requests.get(f"{server.url}/readyz", timeout=30).status_code == 503
            durable_postgres.restart()
            # Or the agent, who waits longer each time it comes in vain, comes too seldom in the next one.
            assert agent.flush(60)
        wait_for_more(senders, 10 * BATCH)
        agent.stop()
        assert server.worker_pids == workers

    assert sum(sender.refusals[503] for sender in senders)
    assert {status for sender in senders for status in sender.refusals} == {503}
    assert check_stored(url, senders) == [f"outage {number}" for number in range(outage + 1)]
