"""Who talked with the bots: distinct users of any window, exactly.

A rollup row says when a user first and last wrote within its bucket. A window that cuts the bucket once,
at either side, is answered by these two; so is a day of another zone that begins inside the bucket. Somebody
who writes to two bots under one id is one person.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import peewee
from peewee import fn

from .. import clock
from ..models import BotUser, Message, UserCounts, UserDay, UserHour, UserMonth
from .calendar import BucketName, Calendar
from .counts import Counts, counts, extent
from .known import USERS, Known
from .sql import select, stacked
from .window import DAY, FOREVER, HOUR, MONTH, Part, Unit, Window

# With the shortest window worth answering from it: rows of a longer bucket are fewer, but some fall outside.
_TABLES: tuple[tuple[Unit, type[UserCounts], int], ...] = (
    (MONTH, UserMonth, 15 * clock.DAY),
    (DAY, UserDay, 12 * clock.HOUR),
    (HOUR, UserHour, 0),
)
# From here on looking at all people there are costs less than adding up their months: always, or where most
# of them were last seen within the window.
_LONG, _LONG_AND_LATE = 100 * clock.DAY, 10 * clock.DAY
# Past days of a window are kept from here on: a shorter one is counted in the time that it takes to use them.
_KEPT_FROM = 15 * clock.DAY
# So many days are counted in more time than who came and who left since yesterday.
_FROM_YESTERDAY = 60 * clock.DAY

_OF_BUCKET: dict[BucketName, tuple[Unit, type[UserCounts]]] = {
    "hour": (HOUR, UserHour),
    "day": (DAY, UserDay),
    "month": (MONTH, UserMonth),
}
_KEPT = ("day", "week", "month")


def users(bots: Sequence[int], window: Window) -> int:
    """How many people sent a message."""
    if not bots or window.length <= 0:
        return 0
    past = _past_days(bots, window) if window.length >= _KEPT_FROM else None
    return _of_window(bots, window) if past is None else _since_kept(bots, window, past)


def _past_days(bots: Sequence[int], window: Window) -> Window | None:
    """The whole days nearest to the window that are over: the newest that has messages may get more."""
    known = extent(bots, Window(0, FOREVER))
    if known is None:
        return None
    start, end = (DAY.floor(at + clock.DAY // 2) for at in (window.start, window.end))
    past = Window(max(start, known.start), min(end, known.end - clock.DAY))
    return past if past.length > 0 else None


def _since_kept(bots: Sequence[int], window: Window, past: Window) -> int:
    """From those of the past days, which are kept once they were counted."""
    known, messages = Known(USERS, bots), counts(bots, past).messages_in
    count = known.find({past: messages}).get(past)
    if count is None:
        count = _from_yesterday(bots, past, known)
        count = _of_window(bots, past) if count is None else count
        known.keep(past, count, messages)
    return count + _more(bots, window, past)


def _from_yesterday(bots: Sequence[int], past: Window, known: Known[int]) -> int | None:
    """Those of the past days, if yesterday's are known: the same ones up to then, or each a day earlier."""
    if past.length < _FROM_YESTERDAY:
        return None
    before = [Window(start, past.end - clock.DAY) for start in (past.start, past.start - clock.DAY)]
    for span, count in known.look({span: counts(bots, span).messages_in for span in before}).items():
        return count + _more(bots, past, span)
    return None


def _more(bots: Sequence[int], window: Window, span: Window) -> int:
    """How many more wrote within the window than within a span that overlaps it."""
    before, after = Window(window.start, span.start), Window(span.end, window.end)
    came = _only_in(bots, [before, after], span)
    left = _only_in(bots, [Window(before.end, before.start), Window(after.end, after.start)], window)
    return came - left


def _only_in(bots: Sequence[int], edges: Sequence[Window], window: Window) -> int:
    """How many wrote at the edges and not within the window, which cuts no hour twice."""
    bucketing = _bucketing(window)
    assert bucketing is not None
    unit, table = bucketing
    inside = (
        table.bot_id.in_(bots)
        & Part(unit, unit.floor(window.start), window.end).holds(table.at)
        & (table.first_at < window.end)
        & (table.last_at >= window.start)
    )
    return _besides(bots, edges, table, inside)


def _besides(bots: Sequence[int], edges: Sequence[Window], table: Any, inside: Any) -> int:
    """How many wrote at the edges who have no such row in the table."""
    active = [_active(bots, edge) for edge in edges if edge.length > 0]
    if not active:
        return 0
    rows = stacked(active)
    row = table.select(peewee.SQL("1")).where(inside, table.user_id == rows.c.user_id)
    return int(select(rows, fn.COUNT(fn.DISTINCT(rows.c.user_id))).where(~fn.EXISTS(row)).scalar())


def _of_window(bots: Sequence[int], window: Window) -> int:
    if _is_long(bots, window):
        return _of_all_people(bots, window)
    active = _active(bots, window)
    found = (active if _is_each_once(bots, window) else active.distinct()).alias("active")
    return int(select(found, fn.COUNT(peewee.SQL("*"))).scalar())


def _is_each_once(bots: Sequence[int], window: Window) -> bool:
    """Whether all that is asked for lies in one bucket of one bot: a row there is a person."""
    if len(bots) > 1 or (bucketing := _bucketing(window)) is None:
        return False
    unit, _ = bucketing
    return unit.floor(window.start) == unit.floor(window.end - 1)


def _is_long(bots: Sequence[int], window: Window) -> bool:
    if window.length >= _LONG:
        return True
    known = extent(bots, Window(0, FOREVER)) if window.length >= _LONG_AND_LATE else None
    return known is not None and known.end - window.end < window.length / 2


def _of_all_people(bots: Sequence[int], window: Window) -> int:
    """Looks at each person once, and into the buckets only for those seen before the window and after it."""
    known, bucketing = extent(bots, window), _bucketing(window)
    if known is None:
        return 0
    assert bucketing is not None  # a window so long cuts no hour twice
    unit, table = bucketing
    between = table.select(peewee.SQL("1")).where(
        table.bot_id == BotUser.bot_id,
        table.user_id == BotUser.user_id,
        Part(unit, unit.floor(known.start), known.end).holds(table.at),
        table.first_at < window.end,
        table.last_at >= window.start,
    )
    person = BotUser.select(BotUser.user_id).where(BotUser.bot_id.in_(bots))
    seen = person.where(
        BotUser.first_at < window.end,
        BotUser.last_at >= window.start,
        (BotUser.first_at >= window.start) | (BotUser.last_at < window.end),
    )
    # Apart from the others, so that PostgreSQL looks up these few and doesn't read all the buckets.
    around = person.where(BotUser.first_at < window.start, BotUser.last_at >= window.end, fn.EXISTS(between))
    rows = stacked([seen, around])
    people = fn.COUNT(fn.DISTINCT(rows.c.user_id)) if len(bots) > 1 else fn.COUNT(rows.c.user_id)
    return int(select(rows, people).scalar())


def _active(bots: Sequence[int], window: Window) -> Any:
    """A query of `user_id`, with repetitions, of all who sent a message."""
    bucketing = _bucketing(window)
    if bucketing is None:
        return _raw(bots, window, Message.user_id)
    unit, table = bucketing
    return table.select(table.user_id).where(
        table.bot_id.in_(bots),
        table.at >= unit.floor(window.start),
        table.at < window.end,
        table.first_at < window.end,
        table.last_at >= window.start,
    )


def _bucketing(window: Window) -> tuple[Unit, type[UserCounts]] | None:
    """The rollup to answer from: none of its buckets is cut twice by the window."""
    for unit, table, shortest in _TABLES:
        first, last = unit.floor(window.start), unit.floor(window.end - 1)
        is_cut_twice = first == last and first < window.start and unit.floor(window.end) < window.end
        if window.length >= shortest and not is_cut_twice:
            return unit, table
    return None


def users_by(
    bots: Sequence[int], window: Window, name: BucketName, buckets: Calendar, found: Mapping[int, Counts]
) -> dict[int, int]:
    """How many people sent a message in each bucket of the calendar, by key; empty buckets are left out.

    `found` is what `counts_by` said of the same window, earlier.
    """
    spans = {
        key: Window(buckets.start(key), buckets.end(key)) for key, one in found.items() if one.messages_in
    }
    whole = {span: found[key].messages_in for key, span in spans.items() if span.cut(window) == span}
    people = _kept(bots, whole, name, buckets) if name in _KEPT else _counted(bots, whole, name, buckets)
    counts = {
        key: people.get(span, 0) if span in whole else users(bots, span.cut(window))
        for key, span in spans.items()
    }
    return {key: count for key, count in counts.items() if count}


def _kept(
    bots: Sequence[int], messages: Mapping[Window, int], name: BucketName, buckets: Calendar
) -> dict[Window, int]:
    known = Known(USERS, bots)
    people = known.find(messages)
    missing = [span for span in messages if span not in people]
    for span, count in _counted(bots, missing, name, buckets).items():
        known.keep(span, count, messages[span])
        people[span] = count
    return people


def _counted(
    bots: Sequence[int], spans: Collection[Window], name: BucketName, buckets: Calendar
) -> dict[Window, int]:
    """Of whole buckets."""
    if not spans:
        return {}
    if name == "week":
        return {span: _of_window(bots, span) for span in spans}
    if name in _KEPT and len(bots) == 1 and not buckets.is_rollup:
        return {span: _around_a_bucket(bots, span, *_OF_BUCKET[name]) for span in spans}
    around = Window(min(span.start for span in spans), max(span.end for span in spans))
    by_key = _by_key(bots, around, name, buckets)
    return {span: by_key.get(buckets.key(span.start), 0) for span in spans}


def _around_a_bucket(bots: Sequence[int], span: Window, unit: Unit, table: Any) -> int:
    """Those in the rollup's bucket that is most of the span, and who else wrote in what is left of it."""
    middle = (span.start + span.end) // 2
    main = Window(unit.floor(middle), unit.ceil(middle + 1))
    others = [Window(span.start, main.start), Window(main.end, span.end)]
    in_main = (
        (table.bot_id == bots[0])
        & (table.at == main.start)
        & (table.first_at < span.end)
        & (table.last_at >= span.start)
    )
    return int(table.select().where(in_main).count()) + _besides(bots, others, table, in_main)


def _by_key(bots: Sequence[int], window: Window, name: BucketName, buckets: Calendar) -> dict[int, int]:
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
