"""Tokens checked without asking anybody: a prefix, 32 random characters, a checksum for typing errors."""

from __future__ import annotations

import re
from zlib import crc32

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKSUM_LENGTH = 6
SHAPE = re.compile(r"bw_[irp]_[0-9A-Za-z]{38}")


def checksum(body: str) -> str:
    """CRC32 of all that stands before the checksum, as base62 digits, most significant first."""
    number, digits = crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_well_formed(token: str) -> bool:
    """True when shape and checksum hold. Whether the collector knows the token, only it can say."""
    return (
        SHAPE.fullmatch(token) is not None and checksum(token[:-CHECKSUM_LENGTH]) == token[-CHECKSUM_LENGTH:]
    )


def is_ingest(token: str) -> bool:
    return token.startswith("bw_i_")
