"""How fast the pages are answered: `python -m tests.bench.queries [--messages N] [--database URL]`.

Fills a database with two years of made-up messages of 50,000 users, unless it has some already, and asks each
question for windows that end at different moments. Prints how long the first answer took and the p95 of those
after it, whether that is within the bar, and what CPU one took (on a busy machine that is what tells), beside
counting all messages raw. With `--keep FOLDER` the database stays there for the next time: 10 M messages are
made in some minutes, and asked in one.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psutil
from peewee import fn

from botwatch_collector import clock, db, migrations, models
from botwatch_collector.analytics import known
from botwatch_collector.analytics.anomalies import anomalies
from botwatch_collector.analytics.calendar import BucketName
from botwatch_collector.analytics.course import course
from botwatch_collector.analytics.dashboard import dashboard
from botwatch_collector.analytics.heatmap import heatmap
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.people import users
from botwatch_collector.analytics.service import metrics
from botwatch_collector.analytics.timeline import timeline
from botwatch_collector.analytics.top_users import Cursor, top_users
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, MINUTE
from botwatch_collector.messages import Filters, Place, page, parsed

from ..postgres import PostgresServer
from ._history import fill

BAR_MS = 100
BOT = [1]
UTC, BERLIN, KOLKATA = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
CHICAGO, KATHMANDU = ZoneInfo("America/Chicago"), ZoneInfo("Asia/Kathmandu")
MOST = 100_000
FLOOR = "SELECT direction, count(*), sum(response_ms) FROM message GROUP BY direction"

Question = Callable[[int], object]


def last(now: int, days: float) -> Window:
    return Window(now - round(days * DAY), now)


def second_page(now: int) -> object:
    first = top_users(BOT, last(now, 30), 20)
    return top_users(BOT, last(now, 30), 20, Cursor.read(first.next) if first.next else None)


def in_steps(days: float, bucket: BucketName, zone: ZoneInfo) -> Question:
    return lambda now: timeline(BOT, last(now, days), bucket, zone, MOST)


def chart(days: float, bucket: BucketName, zone: ZoneInfo) -> Question:
    """The chart of the Analytics page: the window, the one before, and what is unusual."""
    return lambda now: (
        course(BOT, last(now, days), bucket, zone),
        anomalies(BOT, last(now, days), bucket, zone, now=now, most_points=MOST),
    )


def messages(days_ago: int = 0, q: str | None = None, **filters: str) -> Question:
    """The newest hundred messages, or those before a day."""
    wanted = Filters(query=parsed(q) if q else None, **filters)
    return lambda now: page(BOT, Window(0, now), wanted, 100, before=Place(now - days_ago * DAY, 0))


QUESTIONS: dict[str, Question] = {
    "dashboard": lambda now: dashboard(BOT, now, UTC),
    "dashboard, Berlin": lambda now: dashboard(BOT, now, BERLIN),
    "overview, 1 day": lambda now: overview(BOT, last(now, 1)),
    "overview, 7 days": lambda now: overview(BOT, last(now, 7)),
    "overview, 30 days": lambda now: overview(BOT, last(now, 30)),
    "overview, 90 days": lambda now: overview(BOT, last(now, 90)),
    "overview, 2 years": lambda now: overview(BOT, last(now, 729)),
    "distinct users, 30 days": lambda now: users(BOT, last(now, 30)),
    "timeline, 3 hours by minute": in_steps(1 / 8, "minute", UTC),
    "timeline, 7 days by hour": in_steps(7, "hour", UTC),
    "timeline, 7 days by hour, Kolkata": in_steps(7, "hour", KOLKATA),
    "timeline, 30 days by day": in_steps(30, "day", UTC),
    "timeline, 30 days by day, Berlin": in_steps(30, "day", BERLIN),
    "timeline, 30 days by day, Chicago": in_steps(30, "day", CHICAGO),
    "timeline, 30 days by day, Kolkata": in_steps(30, "day", KOLKATA),
    "timeline, 90 days by day": in_steps(90, "day", UTC),
    "timeline, 1 year by week": in_steps(365, "week", UTC),
    "timeline, 1 year by week, Berlin": in_steps(365, "week", BERLIN),
    "timeline, 1 year by week, Chicago": in_steps(365, "week", CHICAGO),
    "timeline, 2 years by month": in_steps(729, "month", UTC),
    "timeline, 2 years by month, Berlin": in_steps(729, "month", BERLIN),
    "chart, 1 day by hour, Berlin": chart(1, "hour", BERLIN),
    "chart, 30 days by day, Berlin": chart(30, "day", BERLIN),
    "chart, 90 days by week, Kathmandu": chart(90, "week", KATHMANDU),
    "chart, 1 year by month, Chicago": chart(365, "month", CHICAGO),
    "top users, 7 days": lambda now: top_users(BOT, last(now, 7), 20),
    "top users, 30 days": lambda now: top_users(BOT, last(now, 30), 20),
    "top users, 30 days, two pages": second_page,
    "top users, 90 days": lambda now: top_users(BOT, last(now, 90), 20),
    "top users, 1 year": lambda now: top_users(BOT, last(now, 365), 20),
    "top users, 2 years": lambda now: top_users(BOT, last(now, 729), 20),
    "heatmap, 30 days": lambda now: heatmap(BOT, last(now, 30), UTC),
    "heatmap, 30 days, Kolkata": lambda now: heatmap(BOT, last(now, 30), KOLKATA),
    "heatmap, 2 years, Berlin": lambda now: heatmap(BOT, last(now, 729), BERLIN),
    "heatmap, 2 years, Kathmandu": lambda now: heatmap(BOT, last(now, 729), KATHMANDU),
    "heatmap, 2 years, Kolkata": lambda now: heatmap(BOT, last(now, 729), KOLKATA),
    "figures of /debug/metrics": lambda now: metrics(BOT, now, UTC),
    "messages, newest": messages(),
    "messages, a year ago": messages(365),
    "messages in": messages(direction="in"),
    "messages of the busiest user": messages(user="user-00000"),
    "messages of a user, a year ago": messages(365, user="user-00100"),
    "messages of a quiet user": messages(user="user-49000"),
    "messages of nobody": messages(user="user"),
    "messages of a channel": messages(channel="private"),
    "words, in every third message": messages(q="word1"),
    "words, the same a year ago": messages(365, q="word1"),
    "words, in one of 100": messages(q="word70"),
    "words, in one of 10,000": messages(q="word7000"),
    "words, the rarest": messages(q="word99999"),
    "words, nowhere": messages(q="nothing"),
    "words, two frequent": messages(q="word1 word2"),
    "words, a frequent and a rare": messages(q="word1 word9000"),
    "words, phrase": messages(q='"word1 word2"'),
    "words, rare phrase": messages(q='"word30 word40"'),
    "words, begin so": messages(q="word70*"),
    "words, not that": messages(q="word70 -word1"),
    "words of the busiest user": messages(q="word20", user="user-00000"),
}


def main() -> None:
    options = argparse.ArgumentParser(prog="queries", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=300_000)
    options.add_argument(
        "--database", default="sqlite", help="a URL, or sqlite or postgresql for one of its own"
    )
    options.add_argument("--keep", type=Path, help="a folder where that one stays")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--only", default="", help="questions with this in their name")
    given = options.parse_args()
    with database(given.database, given.keep) as url:
        db.connect(url)
        with db.connected():
            migrations.bring_up_to_date()
            fill(given.messages, clock.now())
            report(given.rounds, given.only)
        db.database.close_all()


@contextmanager
def database(name: str, keep: Path | None) -> Iterator[str]:
    """The one of the URL, or one in a folder."""
    if name not in ("sqlite", "postgresql"):
        yield name
    elif keep is None:
        with (
            tempfile.TemporaryDirectory(prefix="botwatch-bench-") as folder,
            database(name, Path(folder)) as url,
        ):
            yield url
    elif name == "sqlite":
        keep.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{keep / 'botwatch.db'}"
    else:
        with PostgresServer.kept(keep) as server:
            yield server.url("postgres")


class Times(NamedTuple):
    """In milliseconds: the first answer, the p95 of the others, and what CPU one of these took."""

    first: float
    p95: float
    cpu: float


def report(rounds: int, only: str) -> None:
    count, newest_at = models.Message.select(
        fn.COUNT(models.Message.id), fn.MAX(models.Message.occurred_at)
    ).scalar(as_tuple=True)
    print(f"{count:,} messages, {db.size_bytes() / count:.0f} bytes each; times in ms")
    print(f"{'':36} {'first':>9} {'p95':>9} {'CPU':>9}")
    floor = asked(lambda _: db.database.execute_sql(FLOOR).fetchall(), newest_at, 1)
    print(f"{'counting all messages raw':36} {floor.first:9.1f} {floor.p95:9.1f} {floor.cpu:9.1f}")
    for name, question in QUESTIONS.items():
        if only in name:
            took = asked(question, newest_at, rounds)
            told = "" if took.p95 <= BAR_MS else f", over {BAR_MS} ms"
            figures = " ".join(f"{value:9.1f}" for value in took)
            print(f"{name:36} {figures}   {took.cpu / floor.cpu:.4f} of the count's CPU{told}", flush=True)


def asked(question: Question, newest_at: int, rounds: int) -> Times:
    rng, took, cpu_s = random.Random(2), [], 0.0
    spent_s = cpu_clock()
    for turn in range(rounds + 1):
        now = newest_at - rng.randrange(6 * HOUR) - rng.randrange(MINUTE)
        started_s, started = spent_s(), time.perf_counter()
        question(now)
        took.append(1_000 * (time.perf_counter() - started))
        cpu_s += spent_s() - started_s if turn else 0
        # A collector does this every few seconds.
        known.write(now)
    first, *others = took
    return Times(first, sorted(others)[max(0, round(0.95 * rounds) - 1)], 1_000 * cpu_s / rounds)


def cpu_clock() -> Callable[[], float]:
    """Seconds of CPU that this thread and its connection's server have used."""
    if not db.is_postgresql():
        return time.thread_time
    backend = psutil.Process(db.database.execute_sql("SELECT pg_backend_pid()").fetchone()[0])
    return lambda: time.thread_time() + sum(backend.cpu_times()[:2])


if __name__ == "__main__":
    main()
