"""Counts what this process does, and adds it to the totals in the database that all workers and hosts share.

A count waits in memory for the next flush: kill -9 loses the last seconds of it, a clean stop nothing. What
has to be exact with the data is written by the transaction that writes the data.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from . import db
from .models import CollectorCounter

Key = tuple[str, tuple[tuple[str, str], ...]]
Deltas = dict[Key, float]


class _Waiting:
    """What is counted and not yet written."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        """Also for a forked child: what waited at the fork is its parent's to write."""
        self.lock = threading.Lock()
        self.deltas: Deltas = {}


_waiting = _Waiting()
os.register_at_fork(after_in_child=_waiting.start_over)


def key(name: str, **labels: str) -> Key:
    """What a counter is known by in Deltas."""
    return name, tuple(sorted(labels.items()))


def count(name: str, value: float = 1, **labels: str) -> None:
    """Add to a counter. Costs about a microsecond; never asks the database."""
    put_back({key(name, **labels): value})


def take() -> Deltas:
    """All that waits, for the caller to write or to put back."""
    with _waiting.lock:
        taken, _waiting.deltas = _waiting.deltas, {}
    return taken


def put_back(deltas: Mapping[Key, float]) -> None:
    """Let it wait again, because its transaction did not come to pass."""
    with _waiting.lock:
        for name, value in deltas.items():
            _waiting.deltas[name] = _waiting.deltas.get(name, 0) + value


def write(deltas: Mapping[Key, float]) -> None:
    """Add to the totals, inside the caller's transaction; call it once in a transaction.

    The rows are taken in one order by everybody, so that two transactions can't wait for each other.
    """
    db.insert_rows(
        CollectorCounter,
        ("name", "labels", "value"),
        [(name, json.dumps(dict(labels)), float(value)) for (name, labels), value in sorted(deltas.items())],
        "ON CONFLICT (name, labels) DO UPDATE SET value = collector_counter.value + excluded.value",
    )


@contextmanager
def carried() -> Iterator[Deltas]:
    """What waits, to be written by the block's transaction; put back when that fails.

    The block may add to a copy what is to count only with its transaction.
    """
    deltas = take()
    try:
        yield deltas
    except BaseException:
        put_back(deltas)
        raise


def flush() -> None:
    """Write what waits, in a transaction of its own; needs a connection."""
    with carried() as deltas:
        if deltas:
            with db.writing():
                write(deltas)
