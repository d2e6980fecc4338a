"""Who talked with the bots: distinct users of any window, exactly.

A rollup row says when a user first and last wrote within its bucket. A window that cuts the bucket once,
at either side, is answered by these two; so is a day of another zone that begins inside the bucket. Somebody
who writes to two bots under one id is one person.
"""

from collections.abc import Sequence
from typing import Any

import peewee
from peewee import fn

from .. import clock
from ..models import BotUser, Message, UserCounts, UserDay, UserHour, UserMonth, UserWeek
from .calendar import BucketName, Calendar
from .sql import select, stacked
from .window import DAY, HOUR, MONTH, WEEK, Unit, Window

# With the shortest window worth answering from it: rows of a longer bucket are fewer, but some fall outside.
_TABLES: tuple[tuple[Unit, type[UserCounts], int], ...] = (
    (MONTH, UserMonth, 15 * clock.DAY),
    (WEEK, UserWeek, 4 * clock.DAY),
    (DAY, UserDay, 12 * clock.HOUR),
    (HOUR, UserHour, 0),
)
# From here on looking at all people there are costs less than adding up their months.
_LONG = 100 * clock.DAY

_OF_BUCKET: dict[BucketName, tuple[Unit, type[UserCounts]]] = {
    "hour": (HOUR, UserHour),
    "day": (DAY, UserDay),
    "week": (WEEK, UserWeek),
    "month": (MONTH, UserMonth),
}


def users(bots: Sequence[int], window: Window) -> int:
    """How many people sent a message."""
    if not bots or window.length <= 0:
        return 0
    if window.length >= _LONG:
        return _of_all_people(bots, window)
    found = _active(bots, window).distinct().alias("active")
    return int(select(found, fn.COUNT(peewee.SQL("*"))).scalar())


def _of_all_people(bots: Sequence[int], window: Window) -> int:
    """Looks at each person once, and into the months only for those seen before the window and after it."""
    month = UserMonth
    between = month.select(month.user_id).where(
        month.bot_id == BotUser.bot_id,
        month.user_id == BotUser.user_id,
        month.at >= MONTH.floor(window.start),
        month.at < window.end,
        month.first_at < window.end,
        month.last_at >= window.start,
    )
    query = BotUser.select(fn.COUNT(fn.DISTINCT(BotUser.user_id))).where(
        BotUser.bot_id.in_(bots),
        BotUser.first_at < window.end,
        BotUser.last_at >= window.start,
        (BotUser.first_at >= window.start) | (BotUser.last_at < window.end) | fn.EXISTS(between),
    )
    return int(query.scalar())


def _active(bots: Sequence[int], window: Window) -> Any:
    """A query of `user_id`, with repetitions, of all who sent a message."""
    for unit, table, shortest in _TABLES:
        first, last = unit.floor(window.start), unit.floor(window.end - 1)
        is_cut_twice = first == last and first < window.start and unit.floor(window.end) < window.end
        if window.length >= shortest and not is_cut_twice:
            return table.select(table.user_id).where(
                table.bot_id.in_(bots),
                table.at >= first,
                table.at <= last,
                table.first_at < window.end,
                table.last_at >= window.start,
            )
    return _raw(bots, window, Message.user_id)


def users_by(bots: Sequence[int], window: Window, name: BucketName, buckets: Calendar) -> dict[int, int]:
    """How many people sent a message in each bucket of the calendar, by key; empty buckets are left out."""
    if not bots or window.length <= 0:
        return {}
    first, last = buckets.key(window.start), buckets.key(window.end - 1)
    whole = Window(
        window.start if buckets.start(first) >= window.start else buckets.end(first),
        window.end if buckets.end(last) <= window.end else buckets.start(last),
    )
    found = _whole_buckets(bots, whole, name, buckets) if whole.length > 0 else {}
    for key, cut in (
        (first, Window(window.start, min(whole.start, window.end))),
        (last, Window(max(whole.end, window.start), window.end)),
    ):
        if cut.length > 0 and (count := users(bots, cut)):
            found[key] = count
    return found


def _whole_buckets(
    bots: Sequence[int], window: Window, name: BucketName, buckets: Calendar
) -> dict[int, int]:
    if name == "minute":
        key = buckets.key_sql(Message.occurred_at).alias("key")
        return _count(_raw(bots, window, key, Message.user_id).alias("rows"))
    unit, table = _OF_BUCKET[name]
    inside = [table.bot_id.in_(bots), table.at >= unit.floor(window.start), table.at < window.end]
    if buckets.is_rollup:
        # A bot's row is a person; and grouped by its key alone, the table is read in order.
        people = fn.COUNT(fn.DISTINCT(table.user_id)) if len(bots) > 1 else fn.COUNT(peewee.SQL("*"))
        rows: Any = table.select(table.at, people).where(*inside).group_by(table.at).tuples()
        return {buckets.key(at): count for at, count in rows}
    # No rollup's bucket lies in more than two of these: that of its first time and that of its last.
    sides = [
        table.select(buckets.key_sql(at).alias("key"), table.user_id).where(
            *inside, at >= window.start, at < window.end
        )
        for at in (table.first_at, table.last_at)
    ]
    return _count(stacked(sides))


def _count(rows: Any) -> dict[int, int]:
    people = fn.COUNT(fn.DISTINCT(rows.c.user_id))
    return dict(select(rows, rows.c.key, people).group_by(rows.c.key))


def _raw(bots: Sequence[int], window: Window, *columns: Any) -> Any:
    return Message.select(*columns).where(
        Message.bot_id.in_(bots),
        Message.occurred_at >= window.start,
        Message.occurred_at < window.end,
        Message.direction == "in",
        Message.user_id.is_null(False),
    )
