"""Whatever comes in whatever order, late or skewed, and whatever has left since: the rollups are right, and a
rebuild gives the same numbers.
"""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botwatch_collector import models, rollups
from botwatch_collector.clock import DAY, HOUR
from botwatch_collector.config import Keep
from botwatch_collector.ingest.store import store

from .test_retention import NOW, prune
from .test_rollups import kept_histograms, raw_histograms, start_of, tables
from .test_store import batch, message

EDGE = 19_782 * DAY  # 1 March 2024, after a leap day: a new month, day and hour
TIMES = st.builds(
    lambda base, offset: base + offset,
    st.sampled_from([EDGE, EDGE - 3 * DAY, EDGE + 5 * HOUR, EDGE + 400 * DAY, 0]),
    st.integers(min_value=-2, max_value=2) | st.integers(min_value=0, max_value=3 * DAY),
).filter(lambda at: at >= 0)
TIMINGS = st.none() | st.sampled_from([0, 1, 250, 2**36])
MESSAGES = st.fixed_dictionaries({
    "ts": TIMES,
    "direction": st.sampled_from(["in", "out"]),
    "user_id": st.none() | st.sampled_from(["ann", "Ann", "bob"]),
    "user_name": st.none() | st.sampled_from(["A", "B"]),
    "response_ms": TIMINGS,
    "wait_ms": TIMINGS,
})  # fmt: skip
BATCHES = st.lists(st.lists(MESSAGES, min_size=1, max_size=12), min_size=2, max_size=6)


def start_over() -> None:
    for model in models.TABLES:
        if model is not models.EventSequence:
            model.delete().execute()


def put(batches: list[list[dict[str, Any]]], instance: str) -> None:
    """The first batch came most days ago, the last one yesterday."""
    for number, messages in enumerate(batches):
        events = [message(seq, **fields) for seq, fields in enumerate(messages, 1)]
        incoming = batch(*events, instance=f"{instance}-{number}")
        store([type(incoming)(incoming.bot_id, incoming.batch, NOW - (len(batches) - number) * DAY)])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(early=BATCHES, late=BATCHES, kept_days=st.integers(min_value=1, max_value=6))
def test_rebuild_gives_identical_numbers(
    database: None, early: list[list[dict[str, Any]]], late: list[list[dict[str, Any]]], kept_days: int
) -> None:
    start_over()
    put(early, "early")
    assert_counted([one for messages in early for one in messages])
    prune(keep=Keep(messages=kept_days))
    # Into hours, too, that others have left.
    put(late, "late")
    everything = [one for messages in early + late for one in messages]
    assert_counted(everything)
    before = tables()

    rollups.rebuild()

    assert tables() == before
    assert_counted(everything)


def assert_counted(sent: list[dict[str, Any]]) -> None:
    """Against plain Python over what was sent."""
    for model, unit in ((models.MessageMinute, "minute"), (models.MessageDay, "day")):
        expected: Counter[tuple[int, str]] = Counter()
        for one in sent:
            expected[start_of(unit, one["ts"]), one["direction"]] += 1
        found: Counter[tuple[int, str]] = Counter()
        for row in model.select():
            found += Counter({(row.at, "in"): row.messages_in, (row.at, "out"): row.messages_out})
        assert found == expected
    for unit in ("minute", "hour", "day", "month"):
        for field in ("response_ms", "wait_ms"):
            assert kept_histograms(unit, field) == raw_histograms(sent, unit, field)
    for users, unit in ((models.UserHour, "hour"), (models.UserMonth, "month")):
        people = {(row.at, row.user_id) for row in users.select()}
        assert people == {
            (start_of(unit, one["ts"]), one["user_id"])
            for one in sent
            if one["direction"] == "in" and one["user_id"] is not None
        }
