"""What an instance has used over time, from its samples."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Literal

import msgspec
import peewee
from peewee import fn

from .. import db
from ..clock import DAY, HOUR, MINUTE, SECOND, iso
from ..config import Keep
from ..errors import NotFound
from ..models import Instance, Sample
from .bots import InstanceState, bot_states
from .window import Window

RangeName = Literal["1h", "24h", "7d"]

RANGES: dict[RangeName, tuple[int, int]] = {
    "1h": (HOUR, 10 * SECOND),
    "24h": (DAY, 2 * MINUTE),
    "7d": (7 * DAY, 15 * MINUTE),
}
"""How far back, and over what time samples are taken together."""

_MEBIBYTE = 1 << 20
_MISSED = 3


class Reading(msgspec.Struct, frozen=True):
    """What was used from `at` on: averages, but of the loop's lag the worst. One without any figure stands
    where readings were due and none came.
    """

    at: str
    cpu_percent: float | None = None
    memory_mb: float | None = None
    memory_limit_mb: float | None = None
    loop_lag_ms: float | None = None
    fds: float | None = None
    threads: float | None = None


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is null for an instance that is gone for more than a day. A reading stands for `bucket_s`."""

    bot: str
    instance: str
    host: str | None
    pid: int | None
    last_seen: str
    state: InstanceState | None
    range: RangeName
    bucket_s: float
    readings: list[Reading]


def resources(bots: Sequence[int], number: int, name: RangeName, now: int, keep: Keep) -> Resources:
    """Of the instance with this id; raises NotFound when there is none, or it is not of these bots."""
    found: Any = Instance.select().where(Instance.bot_id.in_(bots), Instance.id == number).first()
    if found is None:
        raise NotFound(f"no instance {number}")
    length, bucket = RANGES[name]
    (bot,) = bot_states([found.bot_id], now)
    return Resources(
        bot=bot.name,
        instance=found.name,
        host=found.host,
        pid=found.pid,
        last_seen=iso(found.last_seen_at),
        state=next((one for one in bot.instances if one.id == number), None),
        range=name,
        bucket_s=bucket / SECOND,
        readings=_with_gaps(_rows(found, Window(now - length, now), bucket), bucket, keep, now),
    )


_FIGURES: dict[str, tuple[Any, int]] = {
    "cpu_percent": (fn.AVG(Sample.cpu_percent), 1),
    "memory_mb": (fn.AVG(Sample.memory_bytes), _MEBIBYTE),
    "memory_limit_mb": (fn.MAX(Sample.memory_limit_bytes), _MEBIBYTE),
    "loop_lag_ms": (fn.MAX(Sample.loop_lag_ms), 1),
    "fds": (fn.AVG(Sample.fds), 1),
    "threads": (fn.AVG(Sample.threads), 1),
}
"""How a figure is taken together, and what it is divided by."""


def _rows(instance: Instance, window: Window, bucket: int) -> list[tuple[int, Reading]]:
    start = db.start_of(Sample.occurred_at, bucket)
    found: Any = (
        Sample.select(start, *(figure for figure, _ in _FIGURES.values()))
        .where(
            Sample.bot_id == instance.bot_id,
            Sample.instance_id == instance.id,
            Sample.occurred_at >= window.start,
            Sample.occurred_at < window.end,
        )
        .group_by(peewee.SQL("1"))
        .order_by(peewee.SQL("1"))
        .tuples()
    )
    return [(at, _reading(at, figures)) for at, *figures in found]


def _reading(at: int, figures: list[Any]) -> Reading:
    of_unit = zip(_FIGURES.items(), figures, strict=True)
    return Reading(
        at=iso(at),
        **{
            name: None if value is None else round(float(value) / unit, 2)
            for (name, (_, unit)), value in of_unit
        },
    )


def _with_gaps(rows: list[tuple[int, Reading]], bucket: int, keep: Keep, now: int) -> list[Reading]:
    """With an empty one wherever more were missed than an instance's own rhythm, or thinning, explains."""
    usual = median([later - at for (at, _), (later, _) in pairwise(rows)] or [bucket])
    made = [reading for _, reading in rows[:1]]
    for (at, _), (later, reading) in pairwise(rows):
        if later - at > _MISSED * max(usual, bucket, _thinned_to(keep, now - at)):
            made.append(Reading(iso(at + bucket)))
        made.append(reading)
    return made


def _thinned_to(keep: Keep, age: int) -> int:
    """How far apart samples of this age are because others were removed."""
    if keep.samples_by_minute and age > keep.samples_by_minute * DAY:
        return HOUR
    return MINUTE if keep.samples and age > keep.samples * DAY else 0
