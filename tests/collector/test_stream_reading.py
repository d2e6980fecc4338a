"""Reading by id: in order, within bounds, and only what was asked for."""

import pytest

from botwatch_collector import stream
from botwatch_collector.stream import reading
from botwatch_collector.stream.frames import frame

from .streams import NOW, add_bots, say


@pytest.fixture
def bots(database: None) -> list[int]:
    return add_bots("shop", "news")


def texts(chunk: reading.Chunk) -> list[str | None]:
    return [message.text for message in chunk.messages]


def test_messages_come_in_the_order_of_their_ids(bots: list[int]) -> None:
    for number in range(5):
        say(bots[number % 2], str(number))

    assert texts(stream.messages_after(0, stream.latest_id(), bots)) == ["0", "1", "2", "3", "4"]


def test_chunks_follow_each_other_without_a_gap(bots: list[int]) -> None:
    say(bots[0], *(str(number) for number in range(7)))
    cursor, seen = 0, []
    while cursor < stream.latest_id():
        chunk = stream.messages_after(cursor, stream.latest_id(), bots, limit=3)
        seen += texts(chunk)
        cursor = chunk.cursor

    assert seen == [str(number) for number in range(7)]


def test_nothing_above_the_upper_end_is_read(bots: list[int]) -> None:
    say(bots[0], "before")
    upto = stream.latest_id()
    say(bots[0], "after")

    assert texts(stream.messages_after(0, upto, bots)) == ["before"]


def test_cursor_moves_past_what_does_not_match(bots: list[int]) -> None:
    say(bots[0], "not for you", "nor this")

    chunk = stream.messages_after(0, stream.latest_id(), [bots[1]])

    assert (chunk.messages, chunk.cursor) == ([], stream.latest_id())


def test_call_looks_at_a_bounded_number_of_ids(bots: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_IDS_AT_ONCE", 2)
    say(bots[0], "1", "2", "3", "4", "5")

    assert stream.messages_after(0, stream.latest_id(), [bots[1]]).cursor == 2


def test_no_bots_no_messages(bots: list[int]) -> None:
    say(bots[0], "hello")

    assert stream.messages_after(0, stream.latest_id(), []).messages == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["alice in", "alice out", "bob in"]),
        ({"user": "alice"}, ["alice in", "alice out"]),
        ({"direction": "in"}, ["alice in", "bob in"]),
        ({"channel": "web"}, ["bob in"]),
        ({"user": "alice", "direction": "out"}, ["alice out"]),
        ({"user": "nobody"}, []),
    ],
)
def test_filters_narrow_what_is_read(bots: list[int], filters: dict[str, str], expected: list[str]) -> None:
    say(bots[0], "alice in", user_id="alice")
    say(bots[0], "alice out", user_id="alice", direction="out")
    say(bots[0], "bob in", user_id="bob", channel="web")

    wanted = stream.Filters(**filters)
    assert texts(stream.messages_after(0, stream.latest_id(), bots, wanted)) == expected
    assert [
        message.text
        for message in reading.every_message_after(0, stream.latest_id()).messages
        if wanted.match(frame(message))
    ] == expected


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
