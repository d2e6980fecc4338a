"""How the pages word figures."""

from zoneinfo import ZoneInfo

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


SLOT = {"at": "2026-11-27T14:00:00.000Z", "end": "2026-11-27T14:30:00.000Z"}
NONE = {"up_s": 0.0, "late_s": 0.0, "down_s": 0.0, "stopped_s": 0.0}


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        ({}, "nothing known"),
        ({"up_s": 1_800.0}, "up"),
        ({"down_s": 1_800.0}, "down"),
        ({"up_s": 1_560.0, "down_s": 240.0}, "up 26 min, down 4 min"),
        ({"up_s": 600.0}, "up 10 min"),
    ],
)
def test_slot_tells_how_long_it_was_what(spent: dict[str, float], words: str) -> None:
    assert filters.slot_words(SLOT | NONE | spent) == words


@pytest.mark.parametrize(
    ("end", "with_day", "words"),
    [
        ("2026-11-27T14:30:00.000Z", False, "19:30 to 20:00"),
        ("2026-11-27T14:30:00.000Z", True, "27 Nov, 19:30 to 20:00"),
        (None, True, "since 27 Nov, 19:30"),
    ],
)
def test_slot_has_the_times_of_the_readers_zone(end: str | None, with_day: bool, words: str) -> None:
    assert filters.slot_time(SLOT["at"], end, ZoneInfo("Asia/Kolkata"), with_day) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "\u2013"), (100.0, "100 %"), (99.999, "99.99 %"), (0.0, "0.00 %")]
)
def test_share_is_never_rounded_up_to_all(value: float | None, words: str) -> None:
    assert filters.share(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "\u2013"), (0, "0"), (0.25, "0.2"), (12.5, "12.5"), (48_000.0, "48,000")]
)
def test_rate_has_a_fraction_while_it_is_small(value: float | None, words: str) -> None:
    assert filters.rate(value) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (820_000, "820 kB"),
        (999_600, "1.0 MB"),
        (1.2e9, "1.2 GB"),
        (-5e6, "-5.0 MB"),
    ],
)
def test_bytes_are_told_in_thousands(count: float, words: str) -> None:
    assert filters.in_bytes(count) == words
