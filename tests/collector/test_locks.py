"""Who need not wait for a lock that another holds doesn't."""

import peewee
import pytest

from botwatch_collector import db
from botwatch_collector.errors import Unavailable
from botwatch_collector.ingest.store import probe
from botwatch_collector.models import EventSequence

from ..end_to_end.test_failures import lock


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
