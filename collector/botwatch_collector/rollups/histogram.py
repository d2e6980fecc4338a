"""Times in logarithmic buckets: any percentile of any window is a sum of buckets, within 1 %.

The idea is DDSketch's (Masson et al., VLDB 2019): bucket i holds the values in (G**(i-1), G**i], and the
value it stands for, 2 G**i / (G + 1), is never further than (G-1)/(G+1) = 0.94 % from any of them. Zero is a
value and has a bucket of its own.

Packed it is text, `bucket,times,` for each of its buckets. Texts joined to one another are the sum.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

GROWTH = 1.019
ZERO = -1
_LOG_GROWTH = math.log(GROWTH)

RESPONSE = "response_ms"
WAIT = "wait_ms"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[int]).decode


@lru_cache(maxsize=8192)
def bucket_of(value_ms: int) -> int:
    """The bucket of a time in milliseconds, 0 or more."""
    return ZERO if value_ms == 0 else math.ceil(math.log(value_ms) / _LOG_GROWTH - 1e-9)


def value_of(bucket: int) -> float:
    """The time in milliseconds that a bucket stands for."""
    return 0.0 if bucket == ZERO else 2 * GROWTH**bucket / (GROWTH + 1)


def upper_bound(bucket: int) -> float:
    """The largest time in milliseconds that falls into the bucket."""
    return 0.0 if bucket == ZERO else GROWTH**bucket


@lru_cache(maxsize=8192)
def packed_time(value_ms: int) -> str:
    """The histogram of this one time."""
    return f"{bucket_of(value_ms)},1,"


def packed(times: Mapping[int, int]) -> str:
    """About 6 bytes a bucket, lowest first, so that equal histograms are equal texts."""
    return added("", times)


def added(text: str, times: Mapping[int, int]) -> str:
    """A packed histogram with some times more. One of 700 buckets costs some 50 us, however few they are."""
    numbers = _decode(f"[{text[:-1]}]")
    buckets, counts = numbers[::2], numbers[1::2]
    for bucket in sorted(times):
        place = bisect_left(buckets, bucket)
        if place < len(buckets) and buckets[place] == bucket:
            counts[place] += times[bucket]
        else:
            buckets.insert(place, bucket)
            counts.insert(place, times[bucket])
    numbers = [0] * (2 * len(buckets))
    numbers[::2], numbers[1::2] = buckets, counts
    return _encode(numbers)[1:-1].decode() + "," if numbers else ""


def unpacked(text: str) -> dict[int, int]:
    """Of one histogram or of several, joined: how many times each bucket has."""
    numbers = iter(_decode(f"[{text[:-1]}]"))
    times: dict[int, int] = {}
    for bucket, count in zip(numbers, numbers, strict=True):
        times[bucket] = times.get(bucket, 0) + count
    return times


def percentiles(times: Mapping[int, int], ranks: Iterable[float]) -> list[float | None]:
    """Nearest-rank percentiles (the value at position ceil(rank/100 * n)); None where nothing was counted."""
    total = sum(times.values())
    if not total:
        return [None for _ in ranks]
    ordered = sorted(times.items())
    return [_at_position(ordered, max(1, math.ceil(rank * total / 100))) for rank in ranks]


def _at_position(ordered: list[tuple[int, int]], position: int) -> float:
    seen = 0
    for bucket, count in ordered:
        seen += count
        if seen >= position:
            return round(value_of(bucket), 3)
    raise AssertionError("a position beyond the total")
