"""Two years of made-up messages of 50,000 users, written and counted by the database itself.

In order of time, more by day than by night; few users write most. 10 M messages take a few minutes.
"""

import random
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from peewee import fn

from botwatch_collector import db, message_index, models
from botwatch_collector.clock import DAY, HOUR, MINUTE
from botwatch_collector.rollups.apply import GROUPS, Group, fold
from botwatch_collector.rollups.declared import Rollup
from botwatch_collector.rollups.histogram import packed_time

PEOPLE = 50_000
VOCABULARY = 100_000
SPAN = 730 * DAY
_MOST_DRAWS = 1 << 20
_AT_ONCE = 500_000

# Every second message is an answer. Of those of the night most are moved to the morning after.
_MESSAGES = f"""
INSERT INTO message (id, bot_id, instance_id, occurred_at, received_at, direction,
    user_id, user_name, channel, text, response_ms, wait_ms)
WITH RECURSIVE
    number (n) AS (
        SELECT CAST({{first}} AS BIGINT) UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {{last}}),
    even (n, at, draw) AS (
        SELECT n, {{start}} + {SPAN} * n / {{count}}, n * 40503 + n / {{draws}} * 15838 FROM number),
    moved (n, at, person, took, said) AS (
        SELECT n, CASE WHEN at - at / {DAY} * {DAY} < {7 * HOUR} THEN at + sleeps_ms ELSE at END,
            person, took, said
        FROM even JOIN draw ON draw.id = even.draw - even.draw / {{draws}} * {{draws}})
SELECT {{first}} + row_number() OVER (ORDER BY at, n), 1, 1, at, at,
    CASE WHEN n / 2 * 2 = n THEN 'in' ELSE 'out' END, 'user-' || person,
    CASE WHEN n / 2 * 2 = n THEN 'User-' || person END, 'private', said,
    CASE WHEN n / 2 * 2 <> n THEN took END, CASE WHEN n / 2 * 2 <> n THEN took + 40 END
FROM moved
ORDER BY 1"""

_FINEST = {
    models.MessageMinute: f"""
SELECT bot_id, occurred_at / {MINUTE} * {MINUTE}, COUNT(*) - COUNT(response_ms), COUNT(response_ms),
    COUNT(response_ms), COALESCE(SUM(response_ms), 0), COUNT(wait_ms), COALESCE(SUM(wait_ms), 0)
FROM message GROUP BY 1, 2""",
    models.HistogramMinute: f"""
SELECT bot_id, occurred_at / {MINUTE} * {MINUTE}, {{join}}(took.packed, ''), {{join}}(waited.packed, '')
FROM message JOIN time AS took ON took.ms = response_ms JOIN time AS waited ON waited.ms = wait_ms
GROUP BY 1, 2""",
    models.UserHour: f"""
SELECT bot_id, occurred_at / {HOUR} * {HOUR}, user_id, COUNT(*), MIN(occurred_at), MAX(occurred_at)
FROM message WHERE direction = 'in' GROUP BY 1, 2, 3""",
}

_COMBINED = {"first_at": "MIN", "last_at": "MAX"}

_PEOPLE = """
INSERT INTO bot_user (bot_id, user_id, user_name, named_at, first_at, last_at, messages)
SELECT bot_id, user_id, MAX(user_name), MAX(occurred_at), MIN(occurred_at), MAX(occurred_at), COUNT(*)
FROM message WHERE direction = 'in' GROUP BY bot_id, user_id"""


def fill(count: int, now: int) -> None:
    """Up to `now`, unless there are messages already."""
    if models.Message.select().exists():
        return
    started = time.monotonic()
    _hurry()
    models.Bot.insert(name="bench", created_at=0).execute()
    _write_messages(count, now)
    for group in GROUPS:
        _count(group)
    _run(_PEOPLE)
    for table in models.TABLES:
        _run(f"ANALYZE {table._meta.table_name}")
    # PostgreSQL would count them in the database's size.
    for name in ("draw", "time", "start"):
        _run(f"DROP TABLE {name}")
    _tell(f"filled in {time.monotonic() - started:.0f} s\n")


def _hurry() -> None:
    """What crashes now is filled anew."""
    if not db.is_postgresql():
        for pragma in ("synchronous = off", "cache_size = -500000", "temp_store = file"):
            _run(f"PRAGMA {pragma}")


def _write_messages(count: int, now: int) -> None:
    rng, draws = random.Random(1), min(_MOST_DRAWS, 1 << count.bit_length())
    drawn = (
        (
            number,
            f"{int(PEOPLE * rng.random() ** 2.5):05}",
            round(rng.lognormvariate(6, 1)),
            9 * HOUR if rng.random() < 0.7 else 0,
            text(rng),
        )
        for number in range(draws)
    )
    _table("draw", "id BIGINT PRIMARY KEY, person TEXT, took BIGINT, sleeps_ms BIGINT, said TEXT", drawn)
    for first in range(0, count, _AT_ONCE):
        last = min(first + _AT_ONCE, count)
        _run(_MESSAGES.format(first=first, last=last, start=now - SPAN, count=count, draws=draws))
        _tell(f"{last:,} messages")
    models.EventSequence.update(reserved_id=count, counted_id=count).execute()
    message_index.catch_up()
    waits = db.database.execute_sql("SELECT took FROM draw UNION SELECT took + 40 FROM draw").fetchall()
    _table("time", "ms BIGINT PRIMARY KEY, packed TEXT", ((ms, packed_time(ms)) for (ms,) in waits))


def text(rng: random.Random) -> str:
    """Some words, as often as in a language: the second half as often as the first, the third a third."""
    ranks = (int(VOCABULARY ** rng.random()) for _ in range(rng.randint(1, 16)))
    return " ".join(f"word{rank}" for rank in ranks)


def _count(group: Group) -> None:
    """The finest rollup from the messages, each coarser one from it."""
    finest, *coarser = group.rollups
    # In the order of time, as messages come: PostgreSQL keeps rows where they were put.
    join = "string_agg" if db.is_postgresql() else "group_concat"
    _run(f"INSERT INTO {_name(finest)} {_FINEST[finest.model].format(join=join)} ORDER BY 1, 2")
    if issubclass(finest.model, models.Histograms):
        _fold_by_day(group, finest.model)
        return
    for rollup in coarser:
        _fold(group, finest, rollup)


def _fold_by_day(group: Group, finest: Any) -> None:
    """What SQL can't add up."""
    rows = finest.select(*(getattr(finest, name) for name in group.keys + group.values)).tuples()
    first, last = finest.select(fn.MIN(finest.at), fn.MAX(finest.at)).scalar(as_tuple=True)
    for day in range(first - first % DAY, last + 1, DAY):
        fold(group, rows.where(finest.at >= day, finest.at < day + DAY))


def _fold(group: Group, finest: Rollup, rollup: Rollup) -> None:
    _tell(f"counting {_name(rollup)}")
    known = db.database.execute_sql(f"SELECT DISTINCT at FROM {_name(finest)}").fetchall()
    _table("start", "at BIGINT PRIMARY KEY, start BIGINT", ((at, rollup.bucket(at)) for (at,) in known))
    keys = ", ".join("start" if key == "at" else key for key in group.keys)
    values = ", ".join(f"{_COMBINED.get(value, 'SUM')}({value})" for value in group.values)
    _run(
        f"INSERT INTO {_name(rollup)} SELECT {keys}, {values} "
        f"FROM {_name(finest)} JOIN start USING (at) GROUP BY {keys} ORDER BY 1, 2"
    )


def _table(name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Made anew, for this connection alone."""
    _run(f"DROP TABLE IF EXISTS {name}")
    _run(f"CREATE TEMPORARY TABLE {name} ({columns})")
    if db.is_postgresql():
        with db.database.cursor().copy(f"COPY {name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" for _ in columns.split(","))
        db.database.cursor().executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    _run(f"ANALYZE {name}")


def _name(rollup: Rollup) -> str:
    return str(rollup.model._meta.table_name)


def _run(sql: str) -> None:
    db.database.cursor().execute(sql)


def _tell(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)
