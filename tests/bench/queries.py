"""How fast the pages are answered: `python -m tests.bench.queries [--messages N] [--database URL]`.

Fills a database with two years of made-up messages of 50,000 users, unless it has some already, and asks each
question for windows that end at different moments. Prints p95, and its ratio to counting all messages raw.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from botwatch_collector import clock, db, migrations, models, rollups
from botwatch_collector.analytics.dashboard import dashboard
from botwatch_collector.analytics.heatmap import heatmap
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.people import users
from botwatch_collector.analytics.service import metrics
from botwatch_collector.analytics.timeline import timeline
from botwatch_collector.analytics.top_users import Cursor, top_users
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, MINUTE

from ..postgres import PostgresServer

PEOPLE = 50_000
SPAN = 730 * DAY
NOW = clock.now()
BOT = [1]
UTC, BERLIN, KOLKATA = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MOST = 100_000
FLOOR = "SELECT direction, count(*), sum(response_ms) FROM message GROUP BY direction"

Question = Callable[[int], object]


def last(now: int, days: float) -> Window:
    return Window(now - round(days * DAY), now)


def second_page(now: int) -> object:
    first = top_users(BOT, last(now, 30), 20)
    return top_users(BOT, last(now, 30), 20, Cursor.read(first.next) if first.next else None)


QUESTIONS: dict[str, Question] = {
    "dashboard": lambda now: dashboard(BOT, now, UTC),
    "dashboard, Berlin": lambda now: dashboard(BOT, now, BERLIN),
    "overview, 1 day": lambda now: overview(BOT, last(now, 1)),
    "overview, 7 days": lambda now: overview(BOT, last(now, 7)),
    "overview, 30 days": lambda now: overview(BOT, last(now, 30)),
    "overview, 90 days": lambda now: overview(BOT, last(now, 90)),
    "overview, 2 years": lambda now: overview(BOT, last(now, 729)),
    "distinct users, 30 days": lambda now: users(BOT, last(now, 30)),
    "timeline, 3 hours by minute": lambda now: timeline(BOT, last(now, 1 / 8), "minute", UTC, MOST),
    "timeline, 7 days by hour": lambda now: timeline(BOT, last(now, 7), "hour", UTC, MOST),
    "timeline, 30 days by day": lambda now: timeline(BOT, last(now, 30), "day", UTC, MOST),
    "timeline, 30 days by day, Berlin": lambda now: timeline(BOT, last(now, 30), "day", BERLIN, MOST),
    "timeline, 30 days by day, Kolkata": lambda now: timeline(BOT, last(now, 30), "day", KOLKATA, MOST),
    "timeline, 90 days by day": lambda now: timeline(BOT, last(now, 90), "day", UTC, MOST),
    "timeline, 1 year by week": lambda now: timeline(BOT, last(now, 365), "week", UTC, MOST),
    "timeline, 1 year by week, Berlin": lambda now: timeline(BOT, last(now, 365), "week", BERLIN, MOST),
    "timeline, 2 years by month": lambda now: timeline(BOT, last(now, 729), "month", UTC, MOST),
    "top users, 7 days": lambda now: top_users(BOT, last(now, 7), 20),
    "top users, 30 days": lambda now: top_users(BOT, last(now, 30), 20),
    "top users, 30 days, two pages": second_page,
    "top users, 2 years": lambda now: top_users(BOT, last(now, 729), 20),
    "heatmap, 30 days": lambda now: heatmap(BOT, last(now, 30), UTC),
    "heatmap, 30 days, Kolkata": lambda now: heatmap(BOT, last(now, 30), KOLKATA),
    "heatmap, 2 years, Berlin": lambda now: heatmap(BOT, last(now, 729), BERLIN),
    "heatmap, 2 years, Kolkata": lambda now: heatmap(BOT, last(now, 729), KOLKATA),
    "figures of /debug/metrics": lambda now: metrics(BOT, now, UTC),
}


def main() -> None:
    options = argparse.ArgumentParser(prog="queries", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=300_000)
    options.add_argument("--database", default="sqlite", help="a URL, or sqlite or postgresql for a new one")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--only", default="", help="questions with this in their name")
    given = options.parse_args()
    with database(given.database) as url:
        db.connect(url)
        with db.connected():
            migrations.bring_up_to_date()
            fill(given.messages)
            report(given.rounds, given.only)
        db.database.close_all()


@contextmanager
def database(name: str) -> Iterator[str]:
    """A new database that is gone afterwards, or the one of the URL."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="botwatch-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'botwatch.db'}"
    elif name == "postgresql":
        server = PostgresServer.start()
        try:
            yield server.create("bench")
        finally:
            server.stop()
    else:
        yield name


def fill(count: int) -> None:
    """In order of time, more by day than by night; few users write most."""
    if models.Message.select().exists():
        return
    models.Bot.insert(name="bench", created_at=0).execute()
    rng = random.Random(1)
    started, size = time.monotonic(), 20_000
    for first in range(0, count, size):
        rows = [message(rng, number, count) for number in range(first, min(first + size, count))]
        with db.writing():
            db.insert_rows(models.Message, COLUMNS, rows)
            rollups.apply(
                rollups.Counted(row[1], row[3], row[5], row[6], row[7], row[10], row[11]) for row in rows
            )
        print(f"\rfilled {first + len(rows):,} of {count:,}", end="", file=sys.stderr, flush=True)
    print(f" in {time.monotonic() - started:.0f} s", file=sys.stderr)
    for table in models.TABLES:
        db.database.cursor().execute(f"ANALYZE {table._meta.table_name}")


COLUMNS = (
    "id", "bot_id", "instance_id", "occurred_at", "received_at", "direction", "user_id", "user_name",
    "channel", "text", "response_ms", "wait_ms",
)  # fmt: skip


def message(rng: random.Random, number: int, count: int) -> tuple[object, ...]:
    at = NOW - SPAN + SPAN * number // count
    if at % DAY < 7 * HOUR and rng.random() < 0.7:
        at += 9 * HOUR
    user = f"user-{int(PEOPLE * rng.random() ** 2.5):05}"
    if number % 2:
        took = round(rng.lognormvariate(6, 1))
        return (number + 1, 1, 1, at, at, "out", user, None, "private", "A reply.", took, took + 40)
    return (number + 1, 1, 1, at, at, "in", user, user.title(), "private", "A question?", None, None)


def report(rounds: int, only: str) -> None:
    floor = p95(lambda _: db.database.execute_sql(FLOOR).fetchall(), 3)
    print(f"{'counting all messages raw':36} {floor:9.1f} ms")
    for name, question in QUESTIONS.items():
        if only in name:
            took = p95(question, rounds)
            print(f"{name:36} {took:9.1f} ms   {took / floor:7.3f} of the count", flush=True)


def p95(question: Question, rounds: int) -> float:
    """In milliseconds, after one round that isn't counted."""
    rng, took = random.Random(2), []
    for turn in range(rounds + 1):
        now = NOW - rng.randrange(6 * HOUR) - rng.randrange(MINUTE)
        started = time.perf_counter()
        question(now)
        if turn:
            took.append(1_000 * (time.perf_counter() - started))
    return sorted(took)[max(0, round(0.95 * len(took)) - 1)]


if __name__ == "__main__":
    main()
