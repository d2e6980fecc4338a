"""How the pages word figures."""

import pytest

from botwatch_collector.pages import filters


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "\u2013"), (0, "0"), (12_345, "12,345"), (1_234_567, "1.23 M"), (2.5e9, "2.50 G")],
)
def test_number(value: float | None, words: str) -> None:
    assert filters.number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "\u2013"),
        (0, "0 ms"),
        (0.03, "<1 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (59_949, "59.9 s"),
        (125_000, "2 min 5 s"),
    ],
)
def test_milliseconds(value: float | None, words: str) -> None:
    assert filters.milliseconds(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (3_600, "1 h"), (3_605, "1 h"), (90_061, "1 d 1 h"), (-5, "0 s")],
)
def test_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert filters.duration(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"), [(4, "just now"), (59, "59 seconds ago"), (60, "1 minute ago"), (7_200, "2 hours ago")]
)
def test_relative(ago: int, words: str) -> None:
    at, now = (
        "2026-11-23T08:00:00.000Z",
        f"2026-11-23T{8 + ago // 3600:02}:{ago // 60 % 60:02}:{ago % 60:02}.000Z",
    )
    assert filters.relative(at, now) == words


def test_time_in_the_future_of_a_wrong_clock_is_now() -> None:
    assert filters.relative("2026-11-23T09:00:00Z", "2026-11-23T08:00:00Z") == "just now"


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [(112, 100, "+12 %"), (100, 100, "\u00b10 %"), (50, 100, "\u221250 %"), (1_200, 100, "\u00d712")],
)
def test_change(now: float, before: float, words: str) -> None:
    by = filters.change(now, before)
    assert by is not None
    assert filters.percent(by) == words


@pytest.mark.parametrize("before", [0, None])
def test_nothing_to_compare_with_is_no_change(before: float | None) -> None:
    assert filters.change(5, before) is None


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("latency_ms", 1_240, ("latency", "1.24 s")),
        ("uptime_s", 90, ("uptime", "1 min 30 s")),
        ("free_mb", 2_048, ("free", "2,048 MB")),
        ("instances", {"up": 2, "late": 1}, ("instances", "2 up, 1 late")),
        ("deaf", False, ("deaf", "no")),
        ("uptime_s", None, ("uptime", "\u2013")),
    ],
)
def test_fact_has_the_unit_of_its_name(key: str, value: object, told: tuple[str, str]) -> None:
    assert tuple(filters.fact(value, key)) == told
