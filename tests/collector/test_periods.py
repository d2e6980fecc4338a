"""The range that a page's address asks for."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from botwatch_collector.clock import DAY, HOUR, to_ms
from botwatch_collector.errors import InvalidParameter
from botwatch_collector.pages import periods
from botwatch_collector.pages.periods import Period

BERLIN = ZoneInfo("Europe/Berlin")
# Two days after the clocks went back.
NOW = to_ms(datetime(2026, 10, 27, 15, 20, tzinfo=BERLIN))


def asked(query: str) -> Period:
    with Flask("test").test_request_context(f"/?{query}"):
        return periods.asked(NOW, BERLIN)


def midnight(day: int, month: int = 10) -> int:
    return to_ms(datetime(2026, month, day, tzinfo=BERLIN))


def test_unless_told_it_is_thirty_days_by_day() -> None:
    period = asked("")
    assert (period.key, period.bucket) == ("30d", "day")
    assert period.window.end == NOW + 1
    assert period.window.start == midnight(28, 9)
    assert (period.first, period.last) == (date(2026, 9, 28), date(2026, 10, 27))


def test_day_begins_with_a_whole_hour_and_a_week_with_a_whole_day() -> None:
    assert asked("range=24h").window.start == NOW - 23 * HOUR - 20 * 60_000
    assert asked("range=7d").window.start == midnight(21)


def test_days_of_the_reader_are_whole_even_where_one_has_25_hours() -> None:
    window = asked("range=custom&from=2026-10-25&to=2026-10-25").window
    assert (window.start, window.length) == (midnight(25), 25 * HOUR)


def test_range_into_the_future_ends_now() -> None:
    assert asked("range=custom&from=2026-10-26&to=2027-01-01").window.end == NOW + 1


def test_moments_of_the_reader_are_exact_and_the_last_is_left_out() -> None:
    window = asked("range=custom&from=2026-10-26T14:00&to=2026-10-26T15:30").window
    assert (window.start, window.length) == (midnight(26) + 14 * HOUR, 90 * 60_000)


def test_last_hour_is_told_by_minute() -> None:
    period = asked("range=1h")
    assert (period.bucket, period.window.start) == ("minute", NOW - 59 * 60_000)


def test_comparison_can_be_left_out() -> None:
    assert asked("").compares
    assert not asked("compare=none").compares


def test_bucket_that_would_not_fit_is_replaced() -> None:
    assert asked("range=1y&bucket=hour").bucket == "month"
    assert asked("range=7d&bucket=hour").bucket == "hour"


@pytest.mark.parametrize("length", [1, HOUR, 3 * DAY, 40 * DAY, 700 * DAY, 30_000 * DAY])
def test_every_length_has_a_bucket_that_can_be_drawn(length: int) -> None:
    assert periods.sensible(length)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("range=fortnight", "range"),
        ("range=custom", "from"),
        ("range=custom&from=2026-10-01", "to"),
        ("range=custom&from=2026-13-01&to=2026-10-01", "from"),
        ("range=custom&from=yesterday&to=2026-10-01", "from"),
        ("range=custom&from=2026-10-02&to=2026-10-01", "to"),
        ("range=custom&from=2027-10-02&to=2027-11-01", "from"),
        ("range=custom&from=0001-01-01&to=9999-12-31", "from"),
        ("range=custom&from=2026-10-01T10:00&to=2026-10-01T10:00", "to"),
        ("range=custom&from=2026-10-01T25:00&to=2026-10-02", "from"),
        ("compare=yesterday", "compare"),
        ("bucket=second", "bucket"),
    ],
)
def test_nonsense_names_its_parameter(query: str, at: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(query)
    assert refused.value.at == at


def test_address_of_the_period_leads_to_it() -> None:
    period = asked("range=custom&from=2026-09-01&to=2026-10-01&bucket=week")
    query = "&".join(f"{name}={value}" for name, value in period.address().items())
    assert asked(query) == period
