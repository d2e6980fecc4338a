"""How much one person wrote in any window, by buckets of any calendar, exactly.

The keys of the users' rollups begin with the time: a person's row is looked up in each month that may have
one, then in the days of those months that a boundary cuts, then in their hours. Only the messages of an hour
that is cut are read themselves: the cost depends on the window's length, not on how much anybody wrote.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..models import Message, UserCounts, UserDay, UserHour, UserMonth
from .window import DAY, HOUR, MONTH, Unit, Window

# Each one's buckets lie within those of the one before.
_TABLES: tuple[tuple[Unit, type[UserCounts]], ...] = ((MONTH, UserMonth), (DAY, UserDay), (HOUR, UserHour))
_BUCKETS_AT_ONCE = 1_000


def written(bot: int, user_id: str, window: Window, key: Callable[[int], int] = lambda at: 0) -> Counter[int]:
    """Messages from the user by a key of their time, which only ascends with it; empty ones are left out."""
    found: Counter[int] = Counter()
    spans = [window] if window.length > 0 else []
    for unit, table in _TABLES:
        cut = []
        for messages, first_at, last_at in _rows(table, bot, user_id, [*_buckets(unit, spans)]):
            if last_at < window.start or first_at >= window.end:
                continue
            inside = window.start <= first_at and last_at < window.end
            if inside and key(first_at) == key(last_at):
                found[key(first_at)] += messages
            else:
                cut.append(Window(max(first_at, window.start), min(last_at + 1, window.end)))
        spans = cut
    for span in spans:
        found.update(key(at) for at in _moments(bot, user_id, span))
    return found


def _buckets(unit: Unit, spans: Iterable[Window]) -> Iterator[int]:
    """The starts of the buckets that the spans touch."""
    for span in spans:
        at = unit.floor(span.start)
        while at < span.end:
            yield at
            at = unit.ceil(at + 1)


def _rows(
    table: type[UserCounts], bot: int, user_id: str, buckets: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    for start in range(0, len(buckets), _BUCKETS_AT_ONCE):
        some = buckets[start : start + _BUCKETS_AT_ONCE]
        query: Any = table.select(table.messages, table.first_at, table.last_at)
        yield from query.where(table.bot_id == bot, table.at.in_(some), table.user_id == user_id).tuples()


def _moments(bot: int, user_id: str, span: Window) -> list[int]:
    query: Any = Message.select(Message.occurred_at).where(
        Message.bot_id == bot,
        Message.occurred_at >= span.start,
        Message.occurred_at < span.end,
        Message.direction == "in",
        Message.user_id == user_id,
    )
    return [at for (at,) in query.tuples()]
