"""Unusual buckets: marked with what was expected, and nothing said where there is too little history."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from botwatch_collector import db
from botwatch_collector.analytics.anomalies import Anomaly, anomalies
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, WEEK, to_ms
from botwatch_collector.errors import InvalidParameter

from .oracle import Said, put

BERLIN = ZoneInfo("Europe/Berlin")
# A Monday, midnight in Berlin; the clocks go back in the weeks after it.
MONDAY = to_ms(datetime(2026, 9, 7, tzinfo=BERLIN))
NOON = 12 * HOUR


@pytest.fixture
def connected(database_url: str) -> Iterator[None]:
    db.connect(database_url)
    with db.connected():
        yield
    db.database.close_all()


def days(*counts: int) -> list[Said]:
    """So many messages around noon of one day after the other."""
    noons = [MONDAY + number * DAY + NOON for number in range(len(counts))]
    return [Said(at + place) for at, count in zip(noons, counts, strict=True) for place in range(count)]


def found(counts: list[int], since_day: int, now: int | None = None) -> list[Anomaly]:
    put(days(*counts))
    end = MONDAY + len(counts) * DAY + HOUR
    return anomalies(
        [1], Window(MONDAY + since_day * DAY, end), "day", BERLIN, now=now or end, most_points=10_000
    ).anomalies


def test_day_far_above_the_same_weekday_before_is_marked(connected: None) -> None:
    calm = [20] * 42
    (one,) = found([*calm[:40], 200, 20], since_day=35)
    assert (one.messages, one.expected) == (200, 20.0)
    assert one.deviations == pytest.approx((200 - 20) / 20**0.5, abs=0.1)
    assert to_ms(datetime.fromisoformat(one.at)) == MONDAY + 40 * DAY


def test_silent_day_is_marked_as_too_few(connected: None) -> None:
    (one,) = found([*[20] * 40, 0, 20], since_day=35)
    assert (one.messages, one.expected) == (0, 20.0)
    assert one.deviations < -2


def test_weekend_that_is_always_calm_is_usual(connected: None) -> None:
    assert found([50, 50, 50, 50, 50, 5, 5] * 7, since_day=35) == []


def test_few_messages_more_than_few_are_usual(connected: None) -> None:
    assert found([*[1] * 40, 3, 1], since_day=35) == []


def test_three_weeks_are_no_history(connected: None) -> None:
    put(days(*[20] * 20, 500))
    told = anomalies(
        [1], Window(MONDAY, MONDAY + 3 * WEEK), "day", BERLIN, now=MONDAY + 3 * WEEK, most_points=10_000
    )
    assert (told.judged, told.anomalies) == (0, [])


def test_day_that_is_not_over_is_not_judged(connected: None) -> None:
    now = MONDAY + 41 * DAY + NOON
    assert found([20] * 42, since_day=41, now=now) == []


def test_bot_without_messages_has_none(connected: None) -> None:
    told = anomalies(
        [1], Window(MONDAY, MONDAY + WEEK), "hour", BERLIN, now=MONDAY + WEEK, most_points=10_000
    )
    assert (told.judged, told.anomalies) == (0, [])


@pytest.mark.parametrize(("bucket", "most"), [("minute", 10_000), ("hour", 100)])
def test_what_cannot_be_told_names_the_parameter(connected: None, bucket: str, most: int) -> None:
    put(days(*[1] * 40))
    with pytest.raises(InvalidParameter, match="bucket"):
        anomalies(
            [1], Window(MONDAY, MONDAY + 40 * DAY), bucket, BERLIN, now=MONDAY + 40 * DAY, most_points=most
        )  # type: ignore[arg-type]
