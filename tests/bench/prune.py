"""How long ingest waits beside retention: `python -m tests.bench.prune [--old N] [--database URL]`.

Stores batches of 500 messages at a steady rate, first alone, then while another process prunes a database of
old messages, and prints how long the commits took, with the ratio of the two.
"""

import argparse
import itertools
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import msgspec

from botwatch_collector import clock, db, message_index, migrations, models, retention
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

from .queries import database

SIZE = 500
_seq = itertools.count(1)
_rng = random.Random(1)


def main() -> None:
    options = argparse.ArgumentParser(prog="prune", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--old", type=int, default=1_000_000, help="messages that are to leave")
    options.add_argument("--rate", type=float, default=20, help="batches a second")
    options.add_argument("--database", default="sqlite", help="a URL, or sqlite or postgresql for a new one")
    given = options.parse_args()
    with database(given.database, None) as url:
        db.connect(url)
        with db.connected():
            migrations.bring_up_to_date()
            fill(given.old)
            report(url, given.rate)
        db.database.close_all()


def fill(count: int) -> None:
    """Messages that came 200 days ago, and have to leave."""
    old = clock.now() - 200 * DAY
    models.Bot.insert(name="bench", created_at=0).execute()
    for _ in range(0, count, 20 * SIZE):
        store([batch(old) for _ in range(20)])
    message_index.take_tail()


def report(url: str, rate: float) -> None:
    alone = commits(rate, lambda started: time.monotonic() > started + 10)
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    pruner = spawning.Process(target=prune, args=(url, theirs))
    began = time.monotonic()
    pruner.start()
    beside = commits(rate, lambda _: ours.poll())
    steps: list[retention.Progress] = ours.recv()
    pruner.join()
    removed, seconds = sum(step.rows for step in steps), time.monotonic() - began
    print(f"{removed / seconds:,.0f} old messages a second left beside {rate * SIZE:,.0f} new ones")
    for name, share in (("median", 0.5), ("p99", 0.99), ("longest", 1.0)):
        before, after = at([one.took_ms for one in alone], share), at([one.took_ms for one in beside], share)
        waited = at([one.waited_ms for one in beside], share)
        held = at([1_000 * step.held_s for step in steps], share)
        print(
            f"{name:8} commit alone {before:6.1f} ms, beside pruning {after:6.1f} ms: {after / before:5.2f}; "
            f"a turn was waited for {waited:5.1f} ms; a step held {held:5.1f} ms"
        )


def prune(url: str, done: Connection) -> None:
    db.connect(url)
    with db.connected():
        done.send([*retention.prune(Config(database=url), clock.now())])


@dataclass(frozen=True)
class Commit:
    """How long one took from when it was due, and how long a transaction before it waited for its turn."""

    took_ms: float
    waited_ms: float


def commits(rate: float, is_over: Callable[[float], bool]) -> list[Commit]:
    made, started = [], time.monotonic()
    for turn in itertools.count():
        due = started + turn / rate
        time.sleep(max(0, due - time.monotonic()))
        if is_over(started):
            return made
        asked = time.monotonic()
        with db.writing():
            had_turn = time.monotonic()
        store([batch(clock.now())])
        made.append(Commit(1_000 * (time.monotonic() - due), 1_000 * (had_turn - asked)))
    raise AssertionError


def batch(received_at: int) -> Incoming:
    plain = {"kind": "message", "direction": "in", "text": "A question?"}
    events = [
        plain | {"seq": next(_seq), "ts": received_at, "user_id": f"user-{_rng.randrange(5_000)}"}
        for _ in range(SIZE)
    ]
    header = Header(v=1, instance="bench")
    return Incoming(1, Batch(header, msgspec.convert(events, list[AnyEvent])), received_at)


def at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
