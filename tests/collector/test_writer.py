"""Group commit: everything answered is stored, and trouble with one batch stays with that batch."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import peewee
import pytest

from botwatch_collector import db, models
from botwatch_collector.config import Limits
from botwatch_collector.errors import Unavailable
from botwatch_collector.ingest import writer as writer_module
from botwatch_collector.ingest.store import Incoming, Outcome, store
from botwatch_collector.ingest.writer import Commit, Writer

from ..waiting import until
from .streams import InBackground
from .test_store import batch, message

MakeWriter = Callable[..., Writer]


@pytest.fixture
def make_writer(database: None) -> Iterator[MakeWriter]:
    """No writer outlives its test: its thread uses the test's database."""
    made: list[Writer] = []

    def make(after_commit: Callable[[Commit], None] | None = None, **limits: Any) -> Writer:
        made.append(Writer(replace(Limits(), **limits), after_commit))
        return made[-1]

    yield make
    for writer in made:
        writer.close(60)


def in_parallel(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def submitted(writer: Writer, batches: list[Incoming]) -> list[Outcome | Exception]:
    """What each batch was answered, all submitted at once."""
    answers: list[Outcome | Exception] = [Outcome(0, 0)] * len(batches)

    def submit(index: int) -> None:
        try:
            answers[index] = writer.submit(batches[index])
        except Unavailable as error:
            answers[index] = error

    in_parallel([lambda index=index: submit(index) for index in range(len(batches))])  # type: ignore[misc]
    return answers


def test_batches_that_wait_share_a_transaction(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_runs, may_end = threading.Event(), threading.Event()
    commits: list[Commit] = []

    def held_store(batches: list[Incoming], *_: object) -> list[Outcome]:
        first_runs.set()
        may_end.wait(10)
        return store(batches)

    monkeypatch.setattr(writer_module, "store", held_store)
    writer = make_writer(commits.append)
    first = threading.Thread(target=writer.submit, args=(batch(message(1), instance="first"),))
    first.start()
    assert first_runs.wait(10)
    waiting = [
        threading.Thread(target=writer.submit, args=(batch(message(1), instance=f"i{n}"),)) for n in range(9)
    ]
    for thread in waiting:
        thread.start()
    until(lambda: writer.queued_events == 10)
    may_end.set()
    for thread in [first, *waiting]:
        thread.join()

    assert [len(commit.batches) for commit in commits] == [1, 9]
    assert models.Message.select().count() == 10
    assert writer.queued_events == 0


def test_what_comes_before_its_turn_shares_the_transaction(make_writer: MakeWriter) -> None:
    commits: list[Commit] = []
    writer = make_writer(commits.append)
    with db.writing():
        models.EventSequence.reserve(1)
        first = InBackground(writer.submit, batch(message(1), instance="first"))
        until(lambda: not writer._queue._lines and writer.queued_events == 1)
        others = InBackground(submitted, writer, [batch(message(1), instance=f"i{n}") for n in range(9)])
        until(lambda: writer.queued_events == 10)

    assert first.result() == Outcome(1, 0)
    assert others.result() == [Outcome(1, 0)] * 9
    assert [len(commit.batches) for commit in commits] == [10]


def test_batch_that_came_before_its_turn_takes_none_with_it(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(batches: list[Incoming], _: object, others: Callable[[], list[Incoming]]) -> list[Outcome]:
        if "good" in (one.batch.header.instance for one in batches):
            until(lambda: writer.queued_events == 2)
        found = [*batches, *others()]
        if any(one.batch.header.instance == "poison" for one in found):
            raise ValueError("poison")
        return store(found)

    writer = make_writer()
    monkeypatch.setattr(writer_module, "store", picky)
    good = InBackground(writer.submit, batch(message(1), instance="good"))
    until(lambda: not writer._queue._lines and writer.queued_events == 1)
    with pytest.raises(Unavailable):
        writer.submit(batch(message(1), instance="poison"))

    assert good.result() == Outcome(1, 0)
    assert writer.queued_events == 0


def test_every_answer_is_for_its_own_batch(make_writer: MakeWriter) -> None:
    batches = [
        batch(*(message(seq) for seq in range(1, count + 1)), instance=f"i{count}") for count in range(1, 30)
    ]

    answers = submitted(make_writer(), batches)

    assert answers == [Outcome(count, 0) for count in range(1, 30)]


def test_full_queue_asks_to_come_back(make_writer: MakeWriter) -> None:
    writer = make_writer(waiting_events=1)

    with pytest.raises(Unavailable) as refused:
        writer.submit(batch(message(1), message(2)))

    assert refused.value.retry_after_s
    assert writer.submit(batch(message(1))) == Outcome(1, 0)


def test_slow_database_is_not_acknowledged(make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(writer_module, "store", lambda batches, *_: (may_end.wait(30), store(batches))[1])
    writer = make_writer(ingest_wait_s=0.05)

    with pytest.raises(Unavailable, match="slow"):
        writer.submit(batch(message(1)))
    with pytest.raises(Unavailable, match="slow"):
        writer.submit(batch(message(1), instance="given up before its turn"))
    may_end.set()
    writer.close(60)

    assert models.Message.select().count() == 1
    assert writer.queued_events == 0


def test_writer_that_is_closed_stores_what_waits_and_takes_nothing_more(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr(
        writer_module, "store", lambda batches, *_: (runs.set(), may_end.wait(30), store(batches))[2]
    )
    writer = make_writer()
    sending = InBackground(submitted, writer, [batch(message(1), instance=f"i{n}") for n in range(5)])
    assert runs.wait(30)
    until(lambda: writer.queued_events == 5)

    closing = InBackground(writer.close, 60)
    may_end.set()
    closing.result()

    assert sending.result() == [Outcome(1, 0)] * 5
    with pytest.raises(Unavailable, match="ending"):
        writer.submit(batch(message(2)))


def test_trouble_is_told_until_the_database_takes_events_again(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> list[Outcome]:
        raise peewee.OperationalError("database or disk is full")

    writer = make_writer()
    assert writer.is_storing()
    monkeypatch.setattr(writer_module, "store", full)
    monkeypatch.setattr(writer_module, "probe", full)
    with pytest.raises(Unavailable):
        writer.submit(batch(message(1)))
    with pytest.raises(peewee.OperationalError):
        writer.is_storing()
    monkeypatch.undo()

    # Nobody has to send anything for that.
    assert writer.is_storing()


def test_database_that_is_away_costs_a_503_and_nothing_else(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> list[Outcome]:
        raise peewee.OperationalError("database or disk is full")

    writer = make_writer()
    monkeypatch.setattr(writer_module, "store", away)
    with pytest.raises(Unavailable) as refused:
        writer.submit(batch(message(1)))
    monkeypatch.undo()

    assert refused.value.retry_after_s
    assert writer.submit(batch(message(1))) == Outcome(1, 0)


def test_batch_that_cannot_be_stored_does_not_take_others_with_it(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(batches: list[Incoming], *_: object) -> list[Outcome]:
        if any(one.batch.header.instance == "poison" for one in batches):
            raise ValueError("poison")
        return store(batches)

    monkeypatch.setattr(writer_module, "store", picky)
    good = [batch(message(1), instance=f"i{n}") for n in range(8)]

    answers = submitted(make_writer(), [*good, batch(message(1), instance="poison")])

    assert answers[:8] == [Outcome(1, 0)] * 8
    assert isinstance(answers[8], Unavailable)
    assert models.Message.select().count() == 8
