"""The frame around each line of a segment: length and checksum, so that a torn or damaged record shows.

A record is an 8-byte header (length, CRC32, both little-endian) and the line with its newline. The header is
written last: a process killed in between leaves zeros, which read as the end.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

HEADER = Struct("<II")
HEADER_SIZE = HEADER.size
LINE_START = b'{"seq":'
ZERO_HEADER = bytes(HEADER_SIZE)


class Reading(NamedTuple):
    lines: list[bytes]
    consumed: int
    """Bytes read, damaged ones between intact records included."""
    damaged: int
    """How many records are known to be missing between the intact ones, or after them."""


def read_records(content: bytes, max_events: int, max_bytes: int) -> Reading:
    """The intact records of `content` in order, skipping what is damaged.

    Stops after `max_events`, or when a further record would exceed `max_bytes` (the first is always taken).
    """
    lines: list[bytes] = []
    position, size_bytes, damaged = 0, 0, 0
    unpack, length = HEADER.unpack_from, len(content)
    while len(lines) < max_events and position + HEADER_SIZE < length:
        size, checksum = unpack(content, position)
        line = content[position + HEADER_SIZE : position + HEADER_SIZE + size]
        if not size or len(line) < size or crc32(line) != checksum:
            follower = next_intact(content, position)
            if follower < 0:
                damaged += content[position : position + HEADER_SIZE] != ZERO_HEADER
                return Reading(lines, length, damaged)
            damaged += missing_between(lines, content, follower)
            position = follower
            continue
        size_bytes += size
        if lines and size_bytes > max_bytes:
            break
        lines.append(line)
        position += HEADER_SIZE + size
    if position < length <= position + HEADER_SIZE:  # a header that was torn off its line
        return Reading(lines, length, damaged + any(content[position:]))
    return Reading(lines, position, damaged)


def next_intact(content: bytes, position: int) -> int:
    """Where the next record with a right checksum starts after `position`, or -1.

    Text cannot imitate a line's start: its quotes are escaped.
    """
    found = content.find(LINE_START, position + HEADER_SIZE)
    while found >= 0:
        size, checksum = HEADER.unpack_from(content, found - HEADER_SIZE)
        if 0 < size <= len(content) - found and crc32(content[found : found + size]) == checksum:
            return found - HEADER_SIZE
        found = content.find(LINE_START, found + 1)
    return -1


def missing_between(lines: list[bytes], content: bytes, follower: int) -> int:
    """How many records the gap before `follower` held: their numbers are consecutive."""
    if not lines:
        return 1
    start = follower + HEADER_SIZE
    return max(1, sequence_of(content[start : start + 32]) - sequence_of(lines[-1]) - 1)


def sequence_of(line: bytes) -> int:
    return int(line[len(LINE_START) : line.index(b",")])
