"""Decoding: what is refused is refused with its place, and what is good comes through whole."""

import gzip
import json
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from botwatch_collector.config import Limits
from botwatch_collector.errors import BotwatchError, InvalidBatch
from botwatch_collector.ingest import decode

from .bad_batches import BAD, GOOD, HEADER, Bad, lines

DECODED = [bad for bad in BAD if "Content-Type" not in bad.headers and bad.status != 403]


@pytest.mark.parametrize("bad", DECODED, ids=lambda bad: bad.name)
def test_bad_batch_is_refused_naming_the_place(bad: Bad) -> None:
    with pytest.raises(BotwatchError) as refused:
        decode.batch(bad.body, bad.headers.get("Content-Encoding", ""), Limits())

    assert refused.value.status == bad.status
    assert refused.value.at == bad.at
    if bad.at:
        assert refused.value.message.startswith(bad.at)


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "zstd"])
def test_batch_is_read_in_every_encoding(encoding: str) -> None:
    pack: dict[str, Any] = {"gzip": gzip.compress, "zstd": zstd.compress}
    body = pack.get(encoding, bytes)(lines(HEADER, GOOD, GOOD | {"seq": 2}))

    batch = decode.batch(body, encoding, Limits())

    assert batch.header.instance == "one"
    assert [event.seq for event in batch.events] == [1, 2]


def test_blank_lines_and_unknown_fields_are_no_error() -> None:
    body = b'{"v":1,"instance":"one","new":1}\r\n\n' + lines(GOOD | {"invented_later": {"a": [1]}}) + b"\n"

    assert len(decode.batch(body, "", Limits()).events) == 1


def test_last_line_needs_no_end() -> None:
    assert len(decode.batch(lines(HEADER, GOOD).rstrip(b"\n"), "", Limits()).events) == 1


def test_nul_becomes_the_replacement_character() -> None:
    bad = GOOD | {"text": "a\0b", "user_id": "\0", "attributes": {"k\0": "v\0"}}

    (event,) = decode.batch(lines(HEADER, bad), "", Limits()).events

    assert (event.text, event.user_id, event.attributes) == ("a\ufffdb", "\ufffd", {"k\ufffd": "v\ufffd"})


def test_error_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(InvalidBatch) as refused:
        decode.batch(lines(HEADER, GOOD | {"ts": "<script>alert(1)</script>"}), "", Limits())

    assert "script" not in refused.value.message


@given(st.binary(max_size=400))
def test_any_bytes_are_a_batch_or_a_known_error(noise: bytes) -> None:
    for body in (noise, lines(HEADER) + noise):
        for encoding in ("", "gzip", "zstd"):
            try:
                decode.batch(body, encoding, Limits())
            except BotwatchError as error:
                assert error.status in (400, 413)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.text() | st.integers() | st.floats(), max_size=6))
def test_any_object_as_event_is_a_batch_or_a_known_error(fields: dict[str, Any]) -> None:
    try:
        decode.batch(lines(HEADER, json.dumps(GOOD | fields).encode()), "", Limits())
    except InvalidBatch as error:
        assert error.at is not None and error.at.startswith("events[0]")
