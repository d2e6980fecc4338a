"""Frames: one line of data each, whatever a user wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botwatch_collector.stream import frames
from botwatch_collector.stream.channels import MESSAGES
from botwatch_collector.stream.events import StoredMessage, message_data

from .streams import Stream

HOSTILE = [
    "two\nlines",
    "\r\n\r\nid: 1\ndata: {}\n\n",
    "data: forged\n\nevent: message:new",
    "\u2028 \u2029 \u0085 \x0b \x0c \x1c \x1e",
    "nul \x00 and escape \x1b[31m",
    '"quotes" \\ </script><script>alert(1)</script>',
    "\ufeff",
    "",
]


def message(text: str | None = "hello", **fields: object) -> StoredMessage:
    plain = StoredMessage(
        id=7, bot_id=1, bot="shop", direction="out", user_id="u1", user_name="Alice", text=text,
        received_at=1_795_420_800_200,
        occurred_at=1_795_420_800_123, response_ms=130, wait_ms=4_000, channel="telegram", event_id=None,
        attributes={"intent": "greet"},
    )  # fmt: skip
    return plain._replace(**fields)


def test_message_is_told_with_its_times_in_utc() -> None:
    assert message_data(message()) == {
        "id": 7,
        "kind": "message",
        "bot": "shop",
        "direction": "out",
        "user_id": "u1",
        "user_name": "Alice",
        "message_text": "hello",
        "timestamp": "2026-11-23T08:00:00.123Z",
        "response_time": 130,
        "wait_ms": 4_000,
        "channel": "telegram",
        "event_id": None,
        "attributes": {"intent": "greet"},
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_in_one_frame(text: str) -> None:
    hostile = message(text, user_id=text, user_name=text, channel=text, attributes={text: text})

    assert Stream([MESSAGES.frame(hostile).encoded]).next(2) == [message_data(hostile)]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_stays_on_its_line(text: str) -> None:
    encoded = MESSAGES.frame(message(text)).encoded

    lines = encoded.decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["id", "event", "data", ""]
    assert json.loads(lines[2].removeprefix("data: "))["message_text"] == text


def test_comment_can_not_leave_its_line() -> None:
    assert frames.comment("a\r\n\ndata: b") == b": a data: b\n\n"


def test_opening_says_when_to_come_back_and_from_where() -> None:
    read = Stream([frames.opening(41)])

    assert read.next(1) == []
    assert read.last_id == 41
    assert read.reader.retry_s is not None
    assert 2 <= read.reader.retry_s <= 5
    assert len({frames.opening(0) for _ in range(50)}) > 1


def test_ping_moves_the_id_and_is_no_event() -> None:
    read = Stream([frames.ping(99)])

    assert read.next(1) == []
    assert read.last_id == 99
