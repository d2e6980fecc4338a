"""Jobs: run by one host at a time, again after a failure or a death, as long as the server runs."""

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from botwatch_collector import clock, counters, db, models
from botwatch_collector.clock import HOUR
from botwatch_collector.config import Config
from botwatch_collector.jobs import JOBS, Job, Shift
from botwatch_collector.jobs.claims import LEASE_MS, claim, register

from ..postgres import PostgresServer
from ..waiting import until
from .server import Server

NOW = 1_790_000_000_000
CONFIG = Config(database="sqlite:///unused")


def counting(runs: list[int], more: int = 0) -> Job:
    """A job that has more to do for the first `more` runs."""

    def run(_config: Config, now: int) -> bool:
        runs.append(now)
        return len(runs) <= more

    return Job("count", run, HOUR)


def test_job_runs_once_in_its_period(database: None) -> None:
    runs: list[int] = []
    shifts = [Shift(CONFIG, [counting(runs)]) for _ in range(3)]

    for now in (NOW, NOW + 1, NOW + HOUR - 1, clock.now() + HOUR, clock.now() + HOUR + 1):
        for shift in shifts:
            shift.step(now)

    assert len(runs) == 2


def test_job_that_has_more_to_do_is_due_at_once(database: None) -> None:
    runs: list[int] = []
    shift = Shift(CONFIG, [counting(runs, more=2)])

    assert [shift.step(NOW) for _ in range(4)] == [True, True, False, False]
    assert len(runs) == 3


def test_one_of_many_claimants_wins(database: None) -> None:
    register(["count"], NOW)
    won: list[bool] = []
    ready = threading.Barrier(6)

    def try_it(name: str) -> None:
        ready.wait()
        with db.connected():
            won.append(claim("count", HOUR, name, NOW))

    threads = [threading.Thread(target=try_it, args=(f"host-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 5 + [True]


def test_job_of_a_dead_claimant_is_taken_over(database: None) -> None:
    register(["count"], NOW)
    assert claim("count", HOUR, "dead", NOW)

    assert not claim("count", HOUR, "other", NOW + LEASE_MS - 1)
    assert claim("count", HOUR, "other", NOW + LEASE_MS)


def test_clock_that_was_ahead_does_not_stop_a_job(database: None) -> None:
    register(["count"], NOW + 100 * HOUR)
    assert claim("count", HOUR, "ahead", NOW + 100 * HOUR)

    assert claim("count", HOUR, "right", NOW)


def test_failed_job_is_tried_again_and_others_run(database: None, caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    def fail(_config: Config, _now: int) -> bool:
        raise ValueError("broken")

    counters.take()
    shift = Shift(CONFIG, [Job("broken", fail, HOUR), counting(runs)])
    shift.step(NOW)

    assert len(runs) == 1
    broken = models.Job.get(models.Job.name == "broken")
    assert (broken.error, broken.claimed_by, broken.succeeded_at) == ("ValueError", None, None)
    assert NOW < broken.due_at < NOW + HOUR
    assert "the job broken failed" in caplog.text
    counted = {(row.name, row.labels): row.value for row in models.CollectorCounter.select()}
    assert counted["botwatch_job_runs_total", '{"job": "broken", "result": "failed"}'] == 1
    assert counted["botwatch_job_runs_total", '{"job": "count", "result": "done"}'] == 1


def test_database_that_is_away_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened = db.connect(f"sqlite:///{tmp_path}/without-tables.db")
    shift = Shift(CONFIG)

    assert [shift.step(NOW) for _ in range(3)] == [False, False, False]

    assert caplog.text.count("jobs can't be run") == 1
    opened.close_all()


@pytest.fixture
def served(database_url: str) -> Iterator[Server]:
    with Server(database_url, workers=1) as running:
        opened = db.connect(database_url)
        with db.connected():
            yield running
        opened.close_all()


def all_succeeded() -> bool:
    jobs = list(models.Job.select())
    return {job.name for job in jobs if job.succeeded_at} == {job.name for job in JOBS}


def test_server_runs_the_jobs(served: Server) -> None:
    until(all_succeeded)


def test_killed_jobs_process_is_replaced(served: Server) -> None:
    until(all_succeeded)
    first = served.companion_pid("botwatch-jobs")
    assert first is not None
    os.kill(first, signal.SIGKILL)

    until(lambda: served.companion_pid("botwatch-jobs") not in (first, None))
    models.Job.update(succeeded_at=None, due_at=0).execute()
    until(all_succeeded)
    assert "botwatch-jobs ended unexpectedly" in served.log


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_jobs_process_ends_with_the_server(tmp_path: Path, by: signal.Signals) -> None:
    with Server(f"sqlite:///{tmp_path}/botwatch.db", workers=1) as server:
        until(lambda: server.companion_pid("botwatch-jobs"))
        companion = psutil.Process(server.companion_pid("botwatch-jobs"))
        os.kill(server.pid, by)

        companion.wait(30)
        assert "Traceback" not in server.log


def test_jobs_go_on_after_the_database_was_away(postgres: PostgresServer) -> None:
    name = f"away_{uuid.uuid4().hex}"
    opened = db.connect(postgres.create(name, template="template"))
    runs: list[int] = []
    shift = Shift(CONFIG, [counting(runs, more=99)])
    shift.step(NOW)

    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    for _ in range(3):
        shift.step(NOW)

    assert len(runs) >= 2
    opened.close_all()
    postgres.drop(name)
