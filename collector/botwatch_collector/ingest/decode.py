"""Turns the body of a request into a batch, or names the first place that is wrong.

Sizes are capped before anything is unpacked or parsed.
"""

import re
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from ..config import Limits
from ..errors import InvalidBatch, TooLarge, UnsupportedEncoding
from .wire import Activity, AnyEvent, Batch, Header, Message, Sample

try:
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from backports import zstd

_header = msgspec.json.Decoder(Header)
_events = msgspec.json.Decoder(AnyEvent)
_encode = msgspec.json.Encoder().encode

_ATTRIBUTES_BYTES = 4_096
_DETAILS_BYTES = 16_384
_DETAILS_DEPTH = 8
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<place>\$?[^`]*)`)?$", re.S)
_MISSING = re.compile(r"^Object missing required field `(\w+)`$")


def batch(body: bytes, encoding: str, limits: Limits) -> Batch:
    """Decode a request's body.

    Raises TooLarge, UnsupportedEncoding, or InvalidBatch with the place, such as `events[12].response_ms`.
    """
    if len(body) > limits.batch_bytes:
        raise TooLarge(f"the body is over {limits.batch_bytes} bytes")
    first, _, rest = unpack(body, encoding, limits.batch_raw_bytes).partition(b"\n")
    header = _one(_header.decode, first, "header")
    if rest.count(b"\n") > 2 * limits.batch_events:
        raise TooLarge(f"the batch has over {limits.batch_events} events")
    events = _all_events(rest)
    if len(events) > limits.batch_events:
        raise TooLarge(f"the batch has {len(events)} events, the limit is {limits.batch_events}")
    _check_identity(events)
    if b"\\u0000" in rest:
        events = [_without_nul(event) for event in events]
    return Batch(header, events)


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """The body as sent by the client before compression; never makes more than `most` bytes."""
    if encoding in ("", "identity"):
        raw, whole = body, True
    elif encoding in ("gzip", "x-gzip"):
        raw, whole = _inflate(body, most)
    elif encoding == "zstd":
        raw, whole = _decompress_zstd(body, most)
    else:
        raise UnsupportedEncoding(f"Content-Encoding: expected gzip, zstd or identity, got {encoding[:40]!r}")
    if len(raw) > most:
        raise TooLarge(f"the body is over {most} bytes when unpacked")
    if not whole:
        raise InvalidBatch(f"body: the {encoding} data ends early", at="body")
    return raw


def _inflate(body: bytes, most: int) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(wbits=31)
    try:
        raw = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise InvalidBatch(f"body: not gzip data ({error})", at="body") from None
    if stream.eof and stream.unused_data:
        raise InvalidBatch("body: data after the end of the gzip stream", at="body")
    return raw, stream.eof


def _decompress_zstd(body: bytes, most: int) -> tuple[bytes, bool]:
    # The window is what a frame may make the decoder allocate: 8 MiB is what the format asks all to support.
    stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})
    try:
        raw = stream.decompress(body, most + 1)
    except zstd.ZstdError as error:
        raise InvalidBatch(f"body: not zstd data ({error})", at="body") from None
    if stream.eof and stream.unused_data:
        raise InvalidBatch("body: data after the end of the zstd frame", at="body")
    return raw, stream.eof


def _all_events(lines: bytes) -> list[Any]:
    try:
        events: list[Any] = _events.decode_lines(lines)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # The quick way doesn't say which line it was; this one does.
        kept = [line for line in lines.split(b"\n") if line.strip()]
        return [_one(_events.decode, line, f"events[{index}]") for index, line in enumerate(kept)]
    return events


def _one(decode: Callable[[bytes], Any], line: bytes, place: str) -> Any:
    try:
        return decode(line)
    except UnicodeDecodeError:
        raise InvalidBatch(f"{place}: not UTF-8", at=place) from None
    except msgspec.MsgspecError as error:
        raise _invalid(str(error), place) from None
    except RecursionError:
        raise InvalidBatch(f"{place}: nested too deeply", at=place) from None


def _invalid(message: str, place: str) -> InvalidBatch:
    match = _PLACE.match(message)
    assert match is not None
    at = place + (match["place"] or "").removeprefix("$")
    what = match["what"][:200]
    if missing := _MISSING.match(what):
        at, what = f"{at}.{missing[1]}", "required, but missing"
    return InvalidBatch(f"{at}: {what.replace('`', '')}", at=at)


def _check_identity(events: list[Any]) -> None:
    for index, event in enumerate(events):
        if event.seq is None and event.id is None:
            raise InvalidBatch(f"events[{index}]: needs `seq` or `id`", at=f"events[{index}]")
        if isinstance(event, Message | Sample) and event.attributes:
            _check_size(event.attributes, _ATTRIBUTES_BYTES, f"events[{index}].attributes")
        elif isinstance(event, Activity) and event.details:
            _check_depth(event.details, _DETAILS_DEPTH, f"events[{index}].details")
            _check_size(event.details, _DETAILS_BYTES, f"events[{index}].details")


def _check_size(value: dict[str, Any], most_bytes: int, place: str) -> None:
    if len(_encode(value)) > most_bytes:
        raise InvalidBatch(f"{place}: over {most_bytes} bytes", at=place)


def _check_depth(value: Any, most: int, place: str) -> None:
    """What is nested deeper could be stored, but not read by everyone."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if inner and not most:
        raise InvalidBatch(f"{place}: nested over {_DETAILS_DEPTH} deep", at=place)
    for item in inner:
        _check_depth(item, most - 1, place)


def _without_nul(event: Any) -> Any:
    """PostgreSQL can't keep U+0000 in a text, so neither database gets one: U+FFFD stands in its place."""
    plain = msgspec.to_builtins(event)
    return msgspec.convert(_replace_nul(plain), type(event))


def _replace_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_replace_nul(key): _replace_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_nul(item) for item in value]
    return value
