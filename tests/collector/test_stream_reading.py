"""Reading by id: in order, within bounds, and only what was asked for."""

import pytest

from botwatch_collector import clock, stream
from botwatch_collector.stream import reading

from .streams import NOW, Stream, act, add_bots, say


@pytest.fixture
def bots(database: None) -> list[int]:
    return add_bots("shop", "news")


def texts(chunk: reading.Chunk) -> list[str | None]:
    return [frame.text for frame in chunk.frames]


def test_messages_come_in_the_order_of_their_ids(bots: list[int]) -> None:
    for number in range(5):
        say(bots[number % 2], str(number))

    assert texts(stream.events_after(0, stream.latest_id(), bots)) == ["0", "1", "2", "3", "4"]


def test_chunks_follow_each_other_without_a_gap(bots: list[int]) -> None:
    say(bots[0], *(str(number) for number in range(7)))
    cursor, seen = 0, []
    while cursor < stream.latest_id():
        chunk = stream.events_after(cursor, stream.latest_id(), bots, limit=3)
        seen += texts(chunk)
        cursor = chunk.cursor

    assert seen == [str(number) for number in range(7)]


def test_nothing_above_the_upper_end_is_read(bots: list[int]) -> None:
    say(bots[0], "before")
    upto = stream.latest_id()
    say(bots[0], "after")

    assert texts(stream.events_after(0, upto, bots)) == ["before"]


def test_cursor_moves_past_what_does_not_match(bots: list[int]) -> None:
    say(bots[0], "not for you", "nor this")

    chunk = stream.events_after(0, stream.latest_id(), [bots[1]])

    assert (chunk.frames, chunk.cursor) == ([], stream.latest_id())


def test_call_looks_at_a_bounded_number_of_ids(bots: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_IDS_AT_ONCE", 2)
    say(bots[0], "1", "2", "3", "4", "5")

    assert stream.events_after(0, stream.latest_id(), [bots[1]]).cursor == 2


def test_no_bots_no_messages(bots: list[int]) -> None:
    say(bots[0], "hello")

    assert stream.events_after(0, stream.latest_id(), []).frames == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["alice in", "alice out", "bob in"]),
        ({"user": "alice"}, ["alice in", "alice out"]),
        ({"direction": "in"}, ["alice in", "bob in"]),
        ({"channel": "web"}, ["bob in"]),
        ({"user": "alice", "direction": "out"}, ["alice out"]),
        ({"text": "BOB"}, ["bob in"]),
        ({"text": "alice", "direction": "in"}, ["alice in"]),
        ({"user": "nobody"}, []),
    ],
)
def test_filters_narrow_what_is_read(bots: list[int], filters: dict[str, str], expected: list[str]) -> None:
    say(bots[0], "alice in", user_id="alice")
    say(bots[0], "alice out", user_id="alice", direction="out")
    say(bots[0], "bob in", user_id="bob", channel="web")

    wanted = stream.Filters(**filters)
    assert texts(stream.events_after(0, stream.latest_id(), bots, wanted)) == expected
    everything = stream.events_after(0, stream.latest_id()).frames
    assert [frame.text for frame in everything if wanted.match(frame)] == expected


def test_kinds_of_events_come_together_in_the_order_of_their_ids(bots: list[int]) -> None:
    for number in range(10):
        say(bots[0], f"message {number}")
        act(bots[0], *("activity" for _ in range(number % 3)))
    upto = stream.latest_id()

    everything = stream.events_after(0, upto).frames
    assert [frame.id for frame in everything] == list(range(1, upto + 1))
    for limit in (1, 2, 3, 7):
        cursor, seen = 0, []
        while cursor < upto:
            chunk = stream.events_after(cursor, upto, limit=limit)
            seen += chunk.frames
            cursor = chunk.cursor
        assert seen == everything


def test_activity_is_told_with_all_it_has(bots: list[int]) -> None:
    act(
        bots[0], "ValueError", category="error", severity="error", status="failure", user_id="alice",
        entity_type="handler", entity_id="bot:start", duration_ms=12, details={"place": "bot.py:7"},
    )  # fmt: skip

    chunk = stream.events_after(0, stream.latest_id(), bots, stream.Filters(("activity",), user="alice"))
    read = Stream([frame.encoded for frame in chunk.frames])
    assert read.next(2) == [
        {
            "id": 1,
            "kind": "activity",
            "bot": "shop",
            "action": "ValueError",
            "category": "error",
            "severity": "error",
            "status": "failure",
            "entity_type": "handler",
            "entity_id": "bot:start",
            "user_id": "alice",
            "timestamp": clock.iso(NOW),
            "duration_ms": 12,
            "details": {"place": "bot.py:7"},
        }
    ]
    assert read.events == ["activity:new"]


@pytest.mark.parametrize("filters", [{"direction": "in"}, {"channel": "web"}, {"text": "hello"}])
def test_filter_of_messages_leaves_activities_out(bots: list[int], filters: dict[str, str]) -> None:
    say(bots[0], "hello", channel="web")
    act(bots[0], "hello")
    wanted = stream.Filters(("messages", "activity"), **filters)

    assert texts(stream.events_after(0, stream.latest_id(), bots, wanted)) == ["hello"]
    everything = stream.events_after(0, stream.latest_id()).frames
    assert [wanted.match(frame) for frame in everything] == [True, False]


def test_latest_are_the_newest_by_time_of_all_bots(bots: list[int]) -> None:
    say(bots[0], "second", ts=NOW - 2)
    say(bots[1], "third", ts=NOW - 1)
    say(bots[0], "history", ts=NOW - 1_000_000)
    say(bots[1], "first", ts=NOW - 3)

    assert [data["message_text"] for data in stream.latest(bots, 3)] == ["third", "second", "first"]
    assert [data["bot"] for data in stream.latest([bots[0]], 3)] == ["shop", "shop"]


def test_attributes_come_back_as_they_were_sent(bots: list[int]) -> None:
    sent = {"text": "ü\u2028", "number": 1.5, "whole": 2, "flag": True, "none": None}
    say(bots[0], None, attributes=sent)

    (data,) = stream.latest(bots, 1)
    assert data["attributes"] == sent
    assert data["message_text"] is None
