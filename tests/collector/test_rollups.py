"""Rollups: equal to what the raw messages say, in any order of arrival, and after a rebuild."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botwatch_collector import models, rollups
from botwatch_collector.clock import to_ms
from botwatch_collector.ingest.store import store
from botwatch_collector.rollups import declared, histogram

from .test_store import batch, message

START = datetime(2024, 2, 26, tzinfo=UTC)  # before a leap day and a month's end
USERS = ("ann", "Ann", "bob", "zoë", None)


def some_messages(seed: int, count: int = 600) -> list[dict[str, Any]]:
    """Late, skewed and simultaneous messages over ten days."""
    rng = random.Random(seed)
    made = []
    for seq in range(1, count + 1):
        at = START + timedelta(milliseconds=rng.choice([rng.randrange(10 * 86_400_000), 3_600_000, 59_999]))
        user = rng.choice(USERS)
        name = user.upper() if user and rng.random() < 0.7 else None
        fields: dict[str, Any] = {"ts": to_ms(at), "user_id": user, "user_name": name}
        if rng.random() < 0.4:
            fields |= {"direction": "out", "response_ms": rng.choice([None, 0, 1, 37, 60_000, 10**7])}
            fields["wait_ms"] = rng.choice([None, 5])
        made.append(message(seq, **fields))
    return made


def tables() -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every rollup, with nothing left to count."""
    rollups.catch_up()
    kept = [rollup.model for rollup in declared.ALL] + [models.BotUser]
    return {model.__name__: set(model.select().tuples()) for model in kept}


def start_of(unit: str, at: int) -> int:
    """The bucket's start by the calendar, not by arithmetic."""
    moment = datetime.fromtimestamp(at / 1000, UTC).replace(microsecond=0)
    starts = {
        "minute": moment.replace(second=0),
        "hour": moment.replace(minute=0, second=0),
        "day": moment.replace(hour=0, minute=0, second=0),
    }
    starts["month"] = starts["day"].replace(day=1)
    return to_ms(starts[unit])


@pytest.mark.parametrize("unit", ["minute", "hour", "day"])
def test_message_counts_equal_the_raw_rows(database: None, unit: str) -> None:
    sent = some_messages(1)
    store([batch(*sent)])
    rollups.catch_up()

    expected: dict[int, Counter[str]] = defaultdict(Counter)
    for one in sent:
        row = expected[start_of(unit, one["ts"])]
        row[one["direction"]] += 1
        if one["direction"] == "out" and one["response_ms"] is not None:
            row["times"] += 1
            row["sum"] += one["response_ms"]
    model = {"minute": models.MessageMinute, "hour": models.MessageHour, "day": models.MessageDay}[unit]
    found = {
        row.at: (row.messages_in, row.messages_out, row.response_count, row.response_sum_ms)
        for row in model.select()
    }
    assert found == {at: (row["in"], row["out"], row["times"], row["sum"]) for at, row in expected.items()}


def raw_histograms(sent: list[dict[str, Any]], unit: str, field: str) -> dict[int, Counter[int]]:
    """Of each bucket that has any time."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for one in sent:
        if one["direction"] == "out" and one.get(field) is not None:
            found[start_of(unit, one["ts"])][histogram.bucket_of(one[field])] += 1
    return found


def kept_histograms(unit: str, field: str, bot: int = 1) -> dict[int, Counter[int]]:
    rollups.catch_up()
    model = {
        "minute": models.HistogramMinute,
        "hour": models.HistogramHour,
        "day": models.HistogramDay,
        "month": models.HistogramMonth,
    }[unit]
    kept = {
        row.at: Counter(histogram.unpacked(getattr(row, field)))
        for row in model.select().where(model.bot_id == bot)
    }
    return {at: times for at, times in kept.items() if times}


@pytest.mark.parametrize("field", ["response_ms", "wait_ms"])
@pytest.mark.parametrize("unit", ["minute", "hour", "day", "month"])
def test_histograms_equal_the_raw_rows(database: None, unit: str, field: str) -> None:
    """Of two bots, whose messages come late and in several groups."""
    mine, theirs = some_messages(1), some_messages(6)
    for start in range(0, 600, 150):
        store([batch(*mine[start : start + 150]), batch(*theirs[start : start + 150], bot=2)])

    assert kept_histograms(unit, field) == raw_histograms(mine, unit, field)
    assert kept_histograms(unit, field, bot=2) == raw_histograms(theirs, unit, field)


def test_histograms_of_thousands_of_minutes_are_added_to_those_before(database: None) -> None:
    start = to_ms(START)
    answers = [
        message(seq, ts=start + seq % 3_000 * 60_000, direction="out", response_ms=seq)
        for seq in range(1, 4_001)
    ]
    store([batch(*answers[:3_000])])
    store([batch(*answers[3_000:])])

    assert kept_histograms("minute", "response_ms") == raw_histograms(answers, "minute", "response_ms")
    assert kept_histograms("month", "response_ms") == raw_histograms(answers, "month", "response_ms")


def test_messages_without_times_leave_no_histogram(database: None) -> None:
    store([batch(message(1), message(2, direction="out"))])

    assert models.HistogramMinute.select().count() == 0


@pytest.mark.parametrize("unit", ["hour", "day", "month"])
def test_users_of_a_bucket_equal_the_raw_rows(database: None, unit: str) -> None:
    sent = some_messages(2)
    store([batch(*sent)])
    rollups.catch_up()

    expected: Counter[tuple[int, str]] = Counter()
    for one in sent:
        if one["direction"] == "in" and one["user_id"] is not None:
            expected[start_of(unit, one["ts"]), one["user_id"]] += 1
    model = {"hour": models.UserHour, "day": models.UserDay, "month": models.UserMonth}[unit]
    assert {(row.at, row.user_id): row.messages for row in model.select()} == expected


def test_order_and_grouping_of_arrival_do_not_matter(database: None) -> None:
    sent = some_messages(3)
    store([batch(*sent)])
    at_once = tables()
    for rollup in declared.ALL:
        rollup.model.delete().execute()
    models.BotUser.delete().execute()

    shuffled = [one | {"ts": one["ts"]} for one in sent]
    random.Random(4).shuffle(shuffled)
    for start in range(0, len(shuffled), 37):
        store([batch(*shuffled[start : start + 37], instance=f"part-{start}")])

    assert tables() == at_once


def test_rebuild_gives_the_same_rows(database: None) -> None:
    for start in range(0, 600, 100):
        store([batch(*some_messages(5)[start : start + 100])])
    before = tables()
    models.MessageHour.update(messages_in=9_999).execute()
    models.UserDay.delete().execute()

    assert rollups.rebuild() == 600
    assert tables() == before


def test_latest_name_of_a_user_wins_however_late_it_comes(database: None) -> None:
    store([batch(message(1, ts=2_000, user_name="new"))])
    store([batch(message(2, ts=1_000, user_name="old"), message(3, ts=3_000))])

    row = models.BotUser.get()
    assert (row.user_name, row.first_at, row.last_at) == ("new", 1_000, 3_000)


@given(st.integers(min_value=0, max_value=2**53))
def test_bucket_stands_for_its_values_within_one_per_cent(value: int) -> None:
    bucket = histogram.bucket_of(value)

    assert abs(histogram.value_of(bucket) - value) <= 0.01 * value
    assert value <= histogram.upper_bound(bucket) * (1 + 1e-9)


@given(st.lists(st.integers(min_value=0, max_value=10**8), min_size=1, max_size=400), st.integers(1, 100))
def test_percentile_is_the_nearest_rank_within_one_per_cent(values: list[int], rank: int) -> None:
    ordered = sorted(values)
    exact = ordered[max(1, -(-rank * len(values) // 100)) - 1]

    (found,) = histogram.percentiles(Counter(map(histogram.bucket_of, values)), [rank])

    assert found is not None
    assert abs(found - exact) <= 0.01 * exact


TIMES = st.dictionaries(st.integers(min_value=-1, max_value=2_000), st.integers(min_value=1, max_value=2**53))


@given(st.lists(TIMES, max_size=5))
def test_packed_histograms_joined_or_added_are_their_sum(histograms: list[dict[int, int]]) -> None:
    total: Counter[int] = sum(map(Counter, histograms), Counter())

    assert histogram.unpacked("".join(map(histogram.packed, histograms))) == total
    assert reduce(histogram.added, histograms, "") == histogram.packed(total)


def test_percentile_of_nothing_is_none() -> None:
    assert histogram.percentiles({}, [50, 99]) == [None, None]
