"""Who may be among those who wrote most within a window, without adding up what everybody wrote.

Of each year, month, week and day of the window the busiest are kept. Somebody who is in none of these lists
wrote no more than the last of each of them, all together; and that is seldom enough.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

import msgspec
from peewee import fn

from ..clock import DAY as DAY_MS
from ..models import MessageDay, UserCounts, UserDay, UserMonth, UserYear
from .known import BUSIEST, Known
from .window import DAY, MONTH, WEEK, YEAR, Unit, Window

# Weeks are added up of their days once, and then known: a window has fewer lists so.
_TABLES: dict[Unit, type[UserCounts]] = {YEAR: UserYear, MONTH: UserMonth, WEEK: UserDay, DAY: UserDay}

SHORTEST_MS = 3 * DAY_MS
"""People of a shorter window are few enough to be added up."""

_LISTED = 100
_MOST_CANDIDATES = 500

_People = list[tuple[str, int]]


@dataclass(frozen=True)
class _List:
    """Those who wrote most in a bucket, most first; nobody else wrote more than `others`."""

    people: _People
    is_inside: bool

    @property
    def others(self) -> int:
        return self.people[-1][1] if len(self.people) == _LISTED else 0


def candidates(bots: Sequence[int], window: Window, limit: int) -> list[str] | None:
    """Some people, among them the `limit` who wrote most and all who wrote as much as the last of them.

    None if the lists can't tell. The window is one that has messages.
    """
    lists = _lists(bots, window)
    least: Counter[str] = Counter()
    above: Counter[str] = Counter()
    others = sum(one.others for one in lists)
    for one in lists:
        for user_id, messages in one.people:
            above[user_id] += messages - one.others
            least[user_id] += messages if one.is_inside else 0
    bar = max([1, *nlargest(limit, least.values())[limit - 1 :]])
    found = [user_id for user_id, more in above.items() if others + more >= bar]
    return found if others < bar and len(found) <= _MOST_CANDIDATES else None


def _lists(bots: Sequence[int], window: Window) -> list[_List]:
    """Of buckets that cover the window."""
    known = Known(BUSIEST, bots)
    cover = Window(DAY.floor(window.start), DAY.ceil(window.end))
    units = {
        Window(start, part.unit.ceil(start + 1)): part.unit
        for part in cover.parts(tuple(_TABLES))
        if part.unit
        for start in part.buckets()
    }
    messages = _messages(bots, cover, list(units))
    # What comes into the last day now makes another question of it each time.
    past = {bucket: count for bucket, count in messages.items() if bucket.end <= window.end}
    found = {bucket: _read(text) for bucket, text in known.find(past).items()}
    for bucket in messages.keys() - found.keys():
        found[bucket] = _busiest(bots, units[bucket], bucket)
        if bucket in past:
            known.keep(bucket, msgspec.json.encode(found[bucket]).decode(), past[bucket])
    return [_List(people, bucket.cut(window) == bucket) for bucket, people in found.items()]


def _messages(bots: Sequence[int], cover: Window, buckets: Sequence[Window]) -> Mapping[Window, int]:
    """How many messages in each bucket has; those without are left out."""
    query: Any = MessageDay.select(MessageDay.at, fn.SUM(MessageDay.messages_in)).where(
        MessageDay.bot_id.in_(bots), MessageDay.at >= cover.start, MessageDay.at < cover.end
    )
    days = sorted(query.group_by(MessageDay.at).tuples())
    counts: Counter[Window] = Counter()
    remaining = iter(sorted(buckets, key=lambda bucket: bucket.start))
    bucket = next(remaining)
    for at, messages in days:
        while at >= bucket.end:
            bucket = next(remaining)
        counts[bucket] += int(messages)
    return +counts


def _busiest(bots: Sequence[int], unit: Unit, bucket: Window) -> _People:
    table: Any = _TABLES[unit]
    inside = table.bot_id.in_(bots) & (table.at >= bucket.start) & (table.at < bucket.end)
    if len(bots) == 1 and unit is not WEEK:
        query = table.select(table.user_id, table.messages).where(inside).order_by(table.messages.desc())
    else:
        messages = fn.SUM(table.messages).cast("BIGINT")
        query = table.select(table.user_id, messages).where(inside).group_by(table.user_id)
        query = query.order_by(messages.desc())
    return list(query.limit(_LISTED).tuples())


def _read(text: str) -> _People:
    people: _People = msgspec.json.decode(text, type=list[tuple[str, int]])
    return people
