"""Counters: nothing counted twice or forgotten, over threads, processes and failed transactions."""

import os
import threading
from collections.abc import Iterator

import pytest

from botwatch_collector import counters, db, models
from botwatch_collector.clock import DAY
from botwatch_collector.metrics import Worker

from .streams import NOW, add_bots, say


@pytest.fixture(autouse=True)
def nothing_waits(database: None) -> Iterator[None]:
    counters.take()
    yield
    counters.take()


def totals() -> dict[tuple[str, str], float]:
    return {(row.name, row.labels): row.value for row in models.CollectorCounter.select()}


def test_flush_adds_to_the_totals() -> None:
    counters.count("sent_total", 2, kind="a", bot="b")
    counters.flush()
    counters.count("sent_total", bot="b", kind="a")
    counters.count("sent_total", kind="other")
    counters.flush()
    counters.flush()

    assert totals() == {
        ("sent_total", '{"bot": "b", "kind": "a"}'): 3,
        ("sent_total", '{"kind": "other"}'): 1,
    }


def test_threads_count_exactly() -> None:
    def work() -> None:
        for _ in range(1_000):
            counters.count("sent_total")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counters.flush()
    counters.flush()

    assert totals() == {("sent_total", "{}"): 8_000}


def test_processes_count_together_and_a_fork_doubles_nothing(database_url: str) -> None:
    counters.count("sent_total", 5)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            db.connect(database_url)
            with db.connected():
                for _ in range(100):
                    counters.count("sent_total")
                    counters.flush()
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    counters.flush()

    assert totals() == {("sent_total", "{}"): 205}


def test_counts_of_a_failed_transaction_wait_for_the_next() -> None:
    counters.count("sent_total", 3)

    with pytest.raises(RuntimeError), counters.carried() as waiting, db.writing():
        counters.write(waiting | {counters.key("stored_total"): 7.0})
        raise RuntimeError("the disk is full")
    assert totals() == {}
    counters.flush()

    assert totals() == {("sent_total", "{}"): 3}


def test_stored_events_are_counted_with_their_transaction() -> None:
    (bot,) = add_bots("shop")
    counters.count("sent_total")
    say(bot, "1", "2")

    assert totals() == {
        ("sent_total", "{}"): 1,
        ("botwatch_ingest_batches_total", '{"result": "stored"}'): 1,
        ("botwatch_ingest_events_total", '{"kind": "message"}'): 2,
    }


def test_worker_shows_its_readings_and_takes_them_along() -> None:
    readings = {"waiting": 3.0}
    worker = Worker({"waiting": lambda: readings["waiting"]})
    worker.start()
    worker.step(NOW)
    readings["waiting"] = 4
    counters.count("sent_total")
    worker.step(NOW + 1)

    (row,) = models.CollectorWorker.select()
    assert (row.pid, row.seen_at, row.gauges) == (os.getpid(), NOW + 1, {"waiting": 4.0})
    worker.stop()
    worker.stop()
    assert models.CollectorWorker.select().count() == 0
    assert totals() == {("sent_total", "{}"): 1}


def test_idle_worker_writes_rarely() -> None:
    worker = Worker({"waiting": lambda: 0.0})
    worker.step(NOW)
    worker.step(NOW + 5_000)
    assert models.CollectorWorker.get().seen_at == NOW
    worker.step(NOW + 30_000)

    assert models.CollectorWorker.get().seen_at == NOW + 30_000


def test_rows_of_killed_workers_are_taken_away_by_the_next() -> None:
    Worker({}).step(NOW)
    Worker({}).step(NOW + 2 * DAY)

    assert [row.seen_at for row in models.CollectorWorker.select()] == [NOW + 2 * DAY]
