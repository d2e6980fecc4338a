"""One person: who they are, how much they wrote, and what the answers to them were like."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ..clock import iso
from ..errors import InvalidParameter, NotFound
from ..models import Bot, BotUser
from ..presence import hidden_users
from .calendar import BucketName, calendar
from .window import Window
from .written import written


class Person(msgspec.Struct, frozen=True):
    """Somebody who has written to these bots, under their last name; the times are of what they wrote.

    Who hides their presence was last seen never, as far as anybody is told.
    """

    user_id: str
    user_name: str | None
    bots: list[str]
    first_seen: str
    last_seen: str | None


class Step(msgspec.Struct, frozen=True):
    """Messages from the person in one bucket."""

    at: str
    messages: int


class Writing(msgspec.Struct, frozen=True):
    """What they wrote in the window, empty steps too, and in the one of the same length before it."""

    messages: int
    previous_messages: int
    steps: list[Step]


class Known(NamedTuple):
    """What a bot knows of somebody."""

    user_id: str
    bot_id: int
    bot: str
    user_name: str | None
    named_at: int
    first_at: int
    last_at: int


def known(bots: Sequence[int], user_id: str) -> list[Known]:
    """What each of the bots knows that they have written to; raises NotFound if there is none."""
    rows: Any = (
        BotUser.select(
            BotUser.user_id,
            BotUser.bot_id,
            Bot.name,
            BotUser.user_name,
            BotUser.named_at,
            BotUser.first_at,
            BotUser.last_at,
        )
        .join(Bot, on=(Bot.id == BotUser.bot_id))
        .where(BotUser.bot_id.in_(bots), BotUser.user_id == user_id)
        .order_by(Bot.name)
        .tuples()
    )
    # No text in the database holds U+0000, and PostgreSQL can't be asked for one.
    found = [] if "\0" in user_id else [Known(*row) for row in rows]
    if not found:
        raise NotFound(f"no user {user_id!r}")
    return found


def person(found: Sequence[Known]) -> Person:
    """Who it is that the bots know."""
    user_id = found[0].user_id
    is_hidden = user_id in hidden_users([one.bot_id for one in found], [user_id])
    return Person(
        user_id,
        max(found, key=lambda one: one.named_at).user_name,
        [one.bot for one in found],
        iso(min(one.first_at for one in found)),
        None if is_hidden else iso(max(one.last_at for one in found)),
    )


def writing(
    found: Sequence[Known], window: Window, bucket: BucketName, zone: ZoneInfo, most_points: int
) -> Writing:
    """The window by the buckets of a zone. Costs looks into indexes, however much was written.

    Raises InvalidParameter for more than `most_points` buckets.
    """
    buckets = calendar(bucket, zone, window)
    if buckets.count() > most_points:
        raise InvalidParameter(f"bucket: the window has over {most_points} {bucket}s", at="bucket")
    counts: Counter[int] = Counter()
    before = 0
    for one in found:
        seen = Window(one.first_at, one.last_at + 1)
        counts += written(one.bot_id, one.user_id, _both(window, seen), buckets.key)
        before += written(one.bot_id, one.user_id, _both(window.previous(), seen)).total()
    keys = [buckets.key(window.start)]
    while (end := buckets.end(keys[-1])) < window.end:
        keys.append(buckets.key(end))
    steps = [Step(iso(buckets.start(key)), counts[key]) for key in keys]
    return Writing(counts.total(), before, steps)


def _both(one: Window, other: Window) -> Window:
    start = max(one.start, other.start)
    return Window(start, max(start, min(one.end, other.end)))
