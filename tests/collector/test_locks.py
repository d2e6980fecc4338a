"""Who need not wait for a lock that another holds doesn't."""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import IO

import peewee
import pytest

from botwatch_collector import db
from botwatch_collector.errors import Unavailable
from botwatch_collector.ingest.store import probe
from botwatch_collector.models import EventSequence

from ..end_to_end.test_failures import lock
from ..waiting import until
from .databases import using


def test_what_nothing_depends_on_is_left_while_others_write(database: None, database_url: str) -> None:
    change = EventSequence.update(reserved_id=EventSequence.reserved_id + 7)
    with lock(database_url):
        assert not db.write_if_free(change)
    before = EventSequence.get().reserved_id

    assert db.write_if_free(change)
    assert EventSequence.get().reserved_id == before + 7


def test_probe_tells_of_a_lock_that_is_not_given_back(database: None, database_url: str) -> None:
    with lock(database_url), pytest.raises((Unavailable, peewee.OperationalError)) as told:
        probe()
    assert isinstance(told.value, Unavailable) or db.is_outage(told.value)
    probe()


def test_mistake_in_a_change_is_not_taken_for_an_outage(database: None) -> None:
    with pytest.raises(peewee.IntegrityError):
        db.write_if_free(EventSequence.update(reserved_id=None))


def test_who_is_patient_has_a_turn_among_many_who_write(tmp_path: Path) -> None:
    """They come back at once: it is never free for somebody who only looks now and then."""
    ended = threading.Event()

    def write() -> None:
        handle = os.open(f"{tmp_path}/botwatch.db-write-lock", os.O_RDWR | os.O_CREAT)
        while not ended.is_set():
            fcntl.flock(handle, fcntl.LOCK_EX)
            time.sleep(0.02)
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)

    others = [threading.Thread(target=write) for _ in range(4)]
    with using(f"sqlite:///{tmp_path}/botwatch.db"):
        for other in others:
            other.start()
        try:
            for _ in range(10):
                with db.writing(patience_s=3):
                    pass
        finally:
            ended.set()
            for other in others:
                other.join()


def test_who_has_lost_patience_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "botwatch.db-write-lock"
    with using(f"sqlite:///{tmp_path}/botwatch.db"):
        with path.open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(Unavailable), db.writing(patience_s=0.05):
                pass
        with db.writing(patience_s=3):
            pass
    with path.open("w") as other:
        until(lambda: is_free(other))


def is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
