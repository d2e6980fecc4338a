"""Every figure equals what the raw messages say, for any window, zone and bucket."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botwatch_collector import db
from botwatch_collector.analytics.calendar import calendar
from botwatch_collector.analytics.course import course
from botwatch_collector.analytics.heatmap import heatmap
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.timeline import timeline
from botwatch_collector.analytics.top_users import Cursor, top_users
from botwatch_collector.analytics.window import DAY, HOUR, MINUTE, MONTH, WEEK, Window
from botwatch_collector.clock import iso, to_ms

from . import oracle
from .oracle import Said, put

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
BUCKETS = ("minute", "hour", "day", "week", "month")
MOST = 10_000_000
DAY_MS = DAY.longest_ms

# A few stretches with clock changes of these zones in them, and a leap day.
STRETCHES = [
    ("2011-12-25T00:00Z", 10),  # Samoa leaves out the 30th
    ("2024-02-26T00:00Z", 45),
    ("2024-03-30T00:00Z", 9),
    ("2024-10-05T00:00Z", 40),
]


def ms(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


def some_messages(seed: int, count: int = 2_500) -> list[Said]:
    """Bursts, single minutes, exact boundaries and long gaps; two bots; some without a user."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        start, days = rng.choice(STRETCHES)
        at = ms(start) + rng.choice(
            [
                rng.randrange(days * DAY_MS),
                rng.randrange(days * 24) * HOUR.longest_ms + rng.choice([-1, 0, 1, 1_800_000, 2_700_000]),
                3 * DAY_MS + rng.randrange(300_000),
            ]
        )
        direction = rng.choice(["in", "in", "out"])
        made.append(
            Said(
                at=at,
                direction=direction,
                user_id=rng.choice(
                    [None, "", "Ann", "ann", "zoë", "😀", *["once-" + str(number)] * 9, "u1", "u2"]
                ),
                response_ms=rng.choice([None, 0, 1, 130, rng.randrange(100_000)]),
                wait_ms=rng.choice([None, 7]),
                bot=rng.choice([1, 1, 1, 2]),
                user_name=rng.choice([None, "name"]),
            )
        )
    return made


MESSAGES = some_messages(7)
FIRST = min(said.at for said in MESSAGES)
LAST = max(said.at for said in MESSAGES)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A database with MESSAGES, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("analytics") / "botwatch.db"
        path.write_bytes(Path(request.getfixturevalue("sqlite_template")).read_bytes())
        url = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.create(f"analytics_{path_safe(tmp_path_factory)}", template="template")
    opened = db.connect(url)
    with db.connected():
        put(MESSAGES)
        yield
    opened.close_all()


def path_safe(factory: pytest.TempPathFactory) -> str:
    return "".join(letter for letter in factory.getbasetemp().name if letter.isalnum())


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """From milliseconds to years, cut anywhere or at round times, often around a real message."""
    around = draw(st.sampled_from(MESSAGES)).at
    start = around - draw(st.sampled_from([0, 1, 59_999, 3_600_000, 5 * DAY_MS, 400 * DAY_MS]))
    length = draw(
        st.one_of(
            st.integers(1, 120_000),
            st.integers(1, 3 * 3_600_000),
            st.integers(1, 4 * DAY_MS),
            st.integers(1, 80 * DAY_MS),
            st.just(6_000 * DAY_MS),
            st.integers(100 * DAY_MS, 4_700 * DAY_MS),
        )
    )
    unit = draw(st.sampled_from([None, MINUTE, HOUR, DAY, WEEK, MONTH]))
    end = start + length
    if unit and draw(st.booleans()):
        start = unit.floor(start)
    if unit and draw(st.booleans()):
        end = unit.ceil(end)
    if draw(st.booleans()):
        later = draw(st.sampled_from(MESSAGES)).at
        end = later if later > start else end
    return Window(start, end)


bots = st.sampled_from([[1], [2], [1, 2]])
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(windows(), st.sampled_from([(DAY, HOUR, MINUTE), (MONTH, WEEK, DAY, HOUR), (MINUTE,), ()]))
def test_parts_of_a_window_are_whole_buckets_without_gap(window: Window, units: tuple[Any, ...]) -> None:
    parts = window.parts(units)

    assert parts[0].start == window.start and parts[-1].end == window.end
    assert all(one.end == other.start for one, other in pairwise(parts))
    whole = [part for part in parts if part.unit]
    assert all(part.unit and part.unit.floor(part.start) == part.start for part in whole)
    assert all(part.unit and part.unit.floor(part.end) == part.end for part in whole)


@quick
@given(window=windows(), bots=bots)
def test_overview_equals_the_raw_messages(filled: None, window: Window, bots: list[int]) -> None:
    here = oracle.within(MESSAGES, window, bots)
    before = oracle.within(MESSAGES, window.previous(), bots)
    timed = oracle.times(here)

    found = oracle.plain(overview(bots, window))

    assert found["messages"] == {
        "total": len(here),
        "in": sum(said.direction == "in" for said in here),
        "out": sum(said.direction == "out" for said in here),
        "previous_total": len(before),
    }
    assert found["users"] == {
        "unique": len(oracle.people(here)),
        "previous_unique": len(oracle.people(before)),
    }
    response = found["response_ms"]
    assert response["count"] == len(timed)
    assert response["avg"] == oracle.average(timed)
    assert response["previous_avg"] == oracle.average(oracle.times(before))
    for rank in (50, 95, 99):
        exact = oracle.percentile(timed, rank)
        assert response[f"p{rank}"] == (None if exact is None else pytest.approx(exact, rel=0.01))


@quick
@given(window=windows(), bots=bots, zone=st.sampled_from(ZONES), bucket=st.sampled_from(BUCKETS))
def test_timeline_equals_the_raw_messages(
    filled: None, window: Window, bots: list[int], zone: str, bucket: Any
) -> None:
    place = ZoneInfo(zone)

    found = oracle.plain(timeline(bots, window, bucket, place, MOST))["points"]

    here = oracle.within(MESSAGES, window, bots)
    assert [{k: v for k, v in point.items() if k != "at"} for point in found] == oracle.timeline(
        here, place, bucket
    )
    labels = sorted({said.at for said in here})
    expected = dict.fromkeys(oracle.label(at, place, bucket) for at in labels)
    assert [oracle.label(ms(point["at"]), place, bucket) for point in found] == list(expected)
    # A bucket starts at the first moment of its name.
    for point in found:
        at = ms(point["at"])
        assert oracle.label(at - 1, place, bucket) != oracle.label(at, place, bucket)


@quick
@given(window=windows(), bots=bots, zone=st.sampled_from(ZONES))
def test_heatmap_equals_the_raw_messages(filled: None, window: Window, bots: list[int], zone: str) -> None:
    place = ZoneInfo(zone)

    assert heatmap(bots, window, place).cells == oracle.heatmap(oracle.within(MESSAGES, window, bots), place)


@quick
@given(window=windows(), bots=bots, limit=st.integers(150, 1_500))
def test_pages_of_top_users_are_all_users_once(
    filled: None, window: Window, bots: list[int], limit: int
) -> None:
    found, cursor = [], None
    while True:
        page = top_users(bots, window, limit, cursor)
        assert len(page.users) <= limit
        found += [(user.user_id, user.messages, user.last_seen) for user in page.users]
        if page.next is None:
            break
        cursor = Cursor.read(page.next)
        assert cursor.window == window

    expected = oracle.top_users(oracle.within(MESSAGES, window, bots))
    assert found == [(user_id, messages, iso(at)) for user_id, messages, at in expected]


@quick
@given(
    window=windows().filter(lambda window: window.length < 90 * DAY_MS),
    zone=st.sampled_from(ZONES),
    bucket=st.sampled_from(BUCKETS[1:]),
)
def test_course_has_every_bucket_and_the_same_stretch_before(
    filled: None, window: Window, zone: str, bucket: Any
) -> None:
    place = ZoneInfo(zone)

    steps = oracle.plain({"steps": course([1], window, bucket, place)})["steps"]

    starts = [ms(step["at"]) for step in steps]
    assert starts[0] <= window.start < window.end <= bucket_end(starts[-1], place, bucket)
    assert all(bucket_end(one, place, bucket) == other for one, other in pairwise(starts))
    here = Counter(oracle.label(said.at, place, bucket) for said in oracle.within(MESSAGES, window))
    assert [step["in"] + step["out"] for step in steps] == [
        here[oracle.label(at, place, bucket)] for at in starts
    ]
    ever = Counter(oracle.label(said.at, place, bucket) for said in MESSAGES if said.bot == 1)
    earlier = [starts[0]]
    for _ in starts:
        earlier.insert(0, bucket_start(earlier[0] - 1, place, bucket))
    assert [step["before"] for step in steps] == [
        ever[oracle.label(at, place, bucket)] for at in earlier[:-1]
    ]


def bucket_start(at: int, zone: ZoneInfo, bucket: Any) -> int:
    buckets = calendar(bucket, zone, Window(at, at + 1))
    return buckets.start(buckets.key(at))


def bucket_end(at: int, zone: ZoneInfo, bucket: Any) -> int:
    buckets = calendar(bucket, zone, Window(at, at + 1))
    return buckets.end(buckets.key(at))
