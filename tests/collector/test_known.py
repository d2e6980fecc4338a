"""Numbers of users that are kept for past buckets: found again, and never shown once they are wrong."""

import random
import subprocess
import sys
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from botwatch_collector import counters, models, retention, rollups
from botwatch_collector.analytics import cache_use, known
from botwatch_collector.analytics.known import USERS, Known
from botwatch_collector.analytics.people import users
from botwatch_collector.analytics.timeline import timeline
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR

from . import oracle
from .oracle import Said, put

START = 19_783 * DAY  # 1 March 2024
NOW = START + 90 * DAY
WINDOW = Window(START, START + 60 * DAY)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/Chicago", "Asia/Kathmandu", "Pacific/Auckland")


def asked(bucket: Any = "day", zone: ZoneInfo = BERLIN, bots: tuple[int, ...] = (1,)) -> list[int]:
    """People by bucket; what is new of them is kept."""
    found = [point.users for point in timeline(bots, WINDOW, bucket, zone, 1_000).points]
    known.write(NOW)
    return found


def hits() -> float:
    return counters.take().get(counters.key(cache_use.METRIC, question=USERS.question, result="hit"), 0)


def store(*messages: Said) -> None:
    """As a batch of its own."""
    put(messages, instance=f"{messages[0].user_id} {messages[0].at}")


@pytest.fixture
def chat(database: None) -> None:
    store(*(Said(START + 3 * day * HOUR, user_id=f"u{day % 7}") for day in range(400)))
    counters.take()


def test_past_buckets_are_counted_once(chat: None) -> None:
    first = asked()
    assert hits() == 0
    models.UserDay.update(last_at=0).execute()

    # The days that the window cuts are counted each time.
    assert asked()[1:-1] == first[1:-1]
    assert hits() >= len(first) - 2


def test_use_tells_how_often_they_were_known(chat: None) -> None:
    number = len(asked("month", ZoneInfo("UTC")))
    asked("month", ZoneInfo("UTC"))
    counters.flush()

    # Of the month that the window cuts it is the days before the newest that are known.
    used = cache_use.uses()[USERS.question]
    assert used == (number, number)
    assert used.hit_rate == 0.5


def test_late_message_is_seen_at_once(chat: None) -> None:
    before = asked()
    assert asked() == before

    store(Said(START + 5 * DAY + HOUR, user_id="late"))

    assert asked() == [count + (day == 5) for day, count in enumerate(before)]
    assert asked() == [count + (day == 5) for day, count in enumerate(before)]


def test_one_who_is_forgotten_counts_no_more(chat: None) -> None:
    store(Said(START + 5 * DAY + HOUR, user_id="mallory"))
    before = asked()
    assert asked() == before

    retention.forget("mallory", [1])

    assert asked() == [count - (day == 5) for day, count in enumerate(before)]


def test_rebuild_counts_anew(chat: None) -> None:
    right = asked()
    models.KnownUsers.update(users=99).execute()
    assert 99 in asked()

    rollups.rebuild()

    assert asked() == right


def test_what_was_counted_while_messages_came_is_not_shown(chat: None) -> None:
    day = Window(START + DAY, START + 2 * DAY)
    before = Known(USERS, [1])
    before.keep(day, 7, messages=8)
    known.write(NOW)

    assert Known(USERS, [1]).find({day: 9}) == {}
    assert Known(USERS, [1]).find({day: 8}) == {day: 7}
    assert Known(USERS, [1, 2]).find({day: 8}) == {}


def test_what_waits_to_be_written_is_known_under_the_same_condition(chat: None) -> None:
    day = Window(START + DAY, START + 2 * DAY)
    Known(USERS, [1]).keep(day, 7, messages=8)

    assert Known(USERS, [1]).find({day: 8}) == {day: 7}
    assert Known(USERS, [1]).find({day: 9}) == {}
    retention.forget("u1", [1])
    assert Known(USERS, [1]).find({day: 8}) == {}


def test_what_was_counted_while_somebody_was_forgotten_is_not_shown(chat: None) -> None:
    day = Window(START + DAY, START + 2 * DAY)
    before = Known(USERS, [1])
    retention.forget("u1", [1])
    before.keep(day, 7, messages=8)
    known.write(NOW)

    assert Known(USERS, [1]).find({day: 8}) == {}


def test_another_process_finds_them_and_its_messages_are_seen(chat: None, database_url: str) -> None:
    before = asked()
    models.UserDay.update(last_at=0).execute()

    elsewhere(database_url, f"assert asked()[1:-1] == {before[1:-1]}; assert hits() > 0")
    models.KnownUsers.delete().execute()
    rollups.rebuild()
    elsewhere(database_url, f"asked(); store(Said({START + 5 * DAY + HOUR}, user_id='late'))")

    assert asked() == [count + (day == 5) for day, count in enumerate(before)]


def people(window: Window, bots: tuple[int, ...] = (1,)) -> int:
    """Those of the window; what is new of them is kept."""
    found = users(bots, window)
    known.write(NOW)
    return found


@pytest.mark.parametrize("start", [START, START + 7 * HOUR + 1])
def test_past_days_of_a_window_are_counted_once_however_it_ends(chat: None, start: int) -> None:
    now = START + 49 * DAY + 5 * HOUR
    first = people(Window(start, now))
    models.KnownUsers.update(users=models.KnownUsers.users + 90).execute()

    assert people(Window(start, now)) == first + 90
    assert people(Window(start, now + HOUR)) == first + 90


def test_past_days_of_a_window_are_known_from_those_of_yesterday(chat: None) -> None:
    start, end = START - 60 * DAY, START + 40 * DAY
    people(Window(start, end))
    store(Said(start + HOUR, user_id="left"), Said(end + HOUR, user_id="came"), Said(end + 9 * DAY))
    first = people(Window(start, end))
    models.KnownUsers.update(users=models.KnownUsers.users + 90).execute()

    assert people(Window(start, end + DAY)) == first + 90 + 1
    assert people(Window(start + DAY, end + DAY)) == first + 90
    assert people(Window(start + 2 * DAY, end + 2 * DAY)) == first + 90


def test_past_days_of_a_window_are_counted_anew_once_a_message_comes_into_them(chat: None) -> None:
    window = Window(START + HOUR, START + 49 * DAY + HOUR)
    before = people(window)

    store(Said(START + 5 * DAY, user_id="late"), Said(window.end - 1, user_id="new"))

    assert people(window) == before + 2


def elsewhere(url: str, statement: str) -> None:
    script = (
        "import sys; from botwatch_collector import db; db.connect(sys.argv[1])\n"
        "from tests.collector.test_known import *\n"
        f"with db.connected(): {statement}\n"
        "db.database.close_all()"
    )
    subprocess.run([sys.executable, "-c", script, url], check=True)


def test_old_ones_leave(chat: None) -> None:
    asked()
    Known(USERS, [1]).keep(Window(0, 1), 1, messages=1)
    known.write(NOW + 100 * DAY)

    assert models.KnownUsers.select().count() == 1


def test_they_start_over_when_they_are_too_many(chat: None) -> None:
    asked()
    Known(USERS, [1]).keep(Window(0, 1), 1, messages=1)
    known.write(NOW + 1, most=10)

    assert models.KnownUsers.select().count() == 1


def test_users_of_windows_equal_the_raw_messages_whatever_comes_in_between(database: None) -> None:
    rng = random.Random(6)
    said: list[Said] = []
    for _ in range(4):
        new = [
            Said(
                START + round(60 * DAY * rng.random() ** 2),
                rng.choice(["in", "in", "out"]),
                rng.choice([None, *(f"u{rng.randrange(90)}" for _ in range(6))]),
                bot=rng.choice([1, 1, 2]),
            )
            for _ in range(60)
        ]
        said += new
        put(new, instance=str(len(said)))
        days = (START + rng.randrange(-2, 62) * DAY for _ in range(12))
        ends = [day + rng.choice([0, 1, rng.randrange(DAY)]) for day in days]
        windows = [Window(min(pair), max(pair)) for pair in pairwise(ends)]
        starts = range(START - 9 * DAY, START, DAY)
        daily = [Window(start, start + 61 * DAY + ends[0] % DAY) for start in starts]
        for window in windows + daily:
            for bots in ((1,), (1, 2)):
                expected = len(oracle.people(oracle.within(said, window, bots)))
                assert [people(window, bots), people(window, bots)] == [expected, expected]


def test_they_equal_the_raw_messages_whatever_comes_in_between(database: None) -> None:
    rng = random.Random(5)
    said: list[Said] = []
    for _ in range(4):
        new = [
            Said(
                WINDOW.start
                + rng.choice(
                    [rng.randrange(60 * DAY), rng.randrange(60) * DAY + 5 * HOUR + rng.randrange(-1, 2)]
                ),
                rng.choice(["in", "in", "out"]),
                rng.choice([None, "ann", "Ann", *(f"u{rng.randrange(30)}" for _ in range(6))]),
                bot=rng.choice([1, 1, 2]),
            )
            for _ in range(150)
        ]
        said += new
        put(new, instance=str(len(said)))
        for zone in ZONES:
            place = ZoneInfo(zone)
            for bucket in ("day", "week", "month"):
                for bots in ((1,), (1, 2)):
                    expected = oracle.timeline(oracle.within(said, WINDOW, bots), place, bucket)
                    assert asked(bucket, place, bots) == [point["users"] for point in expected]
