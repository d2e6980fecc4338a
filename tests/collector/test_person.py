"""What is told of one person equals what the raw messages say, for any window and zone."""

import random
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from botwatch_collector.access import bots
from botwatch_collector.analytics.person import known, person, writing
from botwatch_collector.analytics.sessions import GAP_MS, Spoken, sessions
from botwatch_collector.analytics.talk import AnswerTimes, talk
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR, iso, to_ms
from botwatch_collector.config import Timeouts
from botwatch_collector.errors import InvalidParameter, NotFound
from botwatch_collector.presence.settings import set_shown

from . import oracle
from .oracle import EPOCH, Said, put

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")
BEGIN = 1_711_800_000_000  # 2024-03-30T12:00Z: a change of the clocks in Berlin follows
STRETCH = 45 * DAY
ANN = "ann/\U0001f600 b"


def some_messages() -> list[Said]:
    rng = random.Random(5)
    said = []
    for _ in range(1_500):
        at = BEGIN + rng.choice(
            [
                rng.randrange(STRETCH),
                rng.randrange(45 * 24) * HOUR + rng.choice([-1, 0, 1]),
                rng.randrange(HOUR),
            ]
        )
        who = rng.choice([ANN, ANN, "bob", None])
        said.append(Said(at, rng.choice(["in", "out"]), who, bot=rng.choice([1, 1, 2]), user_name=f"at {at}"))
    return said


def some_windows(count: int) -> list[Window]:
    rng = random.Random(6)
    made = []
    for _ in range(count):
        start = BEGIN + rng.choice([-3 * DAY, rng.randrange(STRETCH), rng.randrange(45 * 24) * HOUR])
        length = rng.choice(
            [1, rng.randrange(HOUR), rng.randrange(3 * DAY), rng.randrange(40 * DAY), 400 * DAY]
        )
        made.append(Window(start, start + length + 1))
    return made


@pytest.fixture
def filled(database: None) -> list[Said]:
    for name in ("one", "two", "three"):
        bots.add(name, 0)
    messages = some_messages()
    put(messages)
    return messages


def test_writing_equals_the_raw_messages(filled: list[Said]) -> None:
    rng = random.Random(7)
    for window in some_windows(40):
        zone, bucket = ZoneInfo(rng.choice(ZONES)), rng.choice(["hour", "day", "week", "month"])
        asked = rng.choice([[1], [2], [1, 2, 3]])

        found = writing(known(asked, ANN), window, bucket, zone, 10_000)  # type: ignore[arg-type]

        here = hers(filled, window, asked)
        assert found.messages == len(here)
        assert found.previous_messages == len(hers(filled, window.previous(), asked))
        told = {
            oracle.label(ms(step.at), zone, bucket): step.messages for step in found.steps if step.messages
        }
        assert told == Counter(oracle.label(said.at, zone, bucket) for said in here)


def test_steps_of_the_window_are_there_without_messages_too(filled: list[Said]) -> None:
    window = Window(BEGIN - 10 * DAY, BEGIN - 3 * DAY)

    found = writing(known([1], ANN), window, "day", ZoneInfo("Europe/Berlin"), 8)

    assert [step.messages for step in found.steps] == [0] * 8


def test_person_is_told_by_the_last_name_and_the_bots_that_know_them(filled: list[Said]) -> None:
    received = [said for said in filled if said.direction == "in" and said.user_id == ANN]

    found = person(known([1, 2, 3], ANN))

    last = max(said.at for said in received)
    assert found.bots == ["one", "two"]
    assert found.user_name == f"at {last}"
    assert (found.first_seen, found.last_seen) == (iso(min(said.at for said in received)), iso(last))


@pytest.mark.parametrize("user_id", ["", "nobody", "ann", "nul\0"])
def test_person_whom_no_bot_knows_is_not_found(filled: list[Said], user_id: str) -> None:
    with pytest.raises(NotFound):
        known([1, 2], user_id)
    with pytest.raises(NotFound):
        known([3], ANN)


def test_sessions_are_parted_by_pauses_of_over_half_an_hour() -> None:
    at = BEGIN
    spoken = [
        Spoken(at, "in", None),
        Spoken(at + GAP_MS, "out", 100),
        Spoken(at + 2 * GAP_MS, "in", 7_000),
        Spoken(at + 2 * GAP_MS, "out", None),
        Spoken(at + 3 * GAP_MS + 1, "out", 300),
        Spoken(at + 3 * GAP_MS + 2, "out", 0),
    ]
    random.Random(1).shuffle(spoken)

    late, early = sessions(spoken)

    assert (early.begin, early.end, early.length_ms) == (iso(at), iso(at + 2 * GAP_MS), 2 * GAP_MS)
    assert (early.messages, early.received, early.sent, early.response_avg_ms) == (4, 2, 2, 100)
    assert (late.begin, late.length_ms, late.messages, late.response_avg_ms) == (
        iso(at + 3 * GAP_MS + 1),
        1,
        2,
        150,
    )
    assert sessions([]) == []


def hers(messages: list[Said], window: Window, asked: list[int]) -> list[Said]:
    here = oracle.within(messages, window, asked)
    return [said for said in here if said.direction == "in" and said.user_id == ANN]


def ms(text: str) -> int:
    return to_ms(EPOCH.fromisoformat(text))


def test_talk_sums_up_what_was_said_both_ways() -> None:
    rng, zone = random.Random(8), ZoneInfo("Asia/Kolkata")
    said = [
        Said(
            BEGIN + rng.randrange(STRETCH),
            rng.choice(["in", "out"]),
            response_ms=rng.choice([None, 0, rng.randrange(9_000)]),
        )
        for _ in range(500)
    ]
    spoken = [Spoken(one.at, one.direction, one.response_ms) for one in said]  # type: ignore[arg-type]

    found = talk(spoken, zone, is_all=True, most_sessions=3)

    times = oracle.times(said)
    assert (found.messages, found.received) == (500, sum(one.direction == "in" for one in said))
    assert found.since == iso(min(one.at for one in said))
    assert found.response_ms == AnswerTimes(
        len(times), oracle.average(times), *(oracle.percentile(times, rank) for rank in (50, 95, 99))
    )
    assert found.cells == oracle.heatmap(said, zone)
    assert (found.session_count, found.sessions) == (len(sessions(spoken)), sessions(spoken)[:3])


def test_talk_of_nothing_has_no_times() -> None:
    found = talk([], ZoneInfo("UTC"), is_all=True, most_sessions=3)

    assert (found.messages, found.since, found.sessions) == (0, None, [])
    assert found.response_ms == AnswerTimes(0, None, None, None, None)


def test_more_steps_than_allowed_are_refused(filled: list[Said]) -> None:
    window = Window(BEGIN - 10 * DAY, BEGIN - 3 * DAY)

    with pytest.raises(InvalidParameter, match="bucket"):
        writing(known([1], ANN), window, "day", ZoneInfo("Europe/Berlin"), 7)


def test_last_seen_of_somebody_who_hides_is_not_told(filled: list[Said]) -> None:
    set_shown(ANN, False, [1], BEGIN, Timeouts())

    assert person(known([1, 2], ANN)).last_seen is None
    assert person(known([2], ANN)).last_seen is not None
