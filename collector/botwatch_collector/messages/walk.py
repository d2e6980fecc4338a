"""From a place among the messages to the next ones that match, older or newer.

Without filters the key of the messages has them in order. Their index knows no order: it is asked for one
stretch of time after the other, each longer than the one before. So what is frequent costs some minutes'
messages, and what is rare all of it that there is, which is little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from .. import message_index
from ..analytics.window import Window
from ..message_index import Source
from ..models import Bot, BotUser, Message
from .filters import Filters
from .place import Place
from .row import COLUMNS
from .terms import BLOCKS, EVER, Stretch, Terms

_MOST_BOT_MARKS = 20
# By kind, how many blocks a step looks at; the last ones double, to a few years at a time.
_STEPS = ((0, 1), (1, 1), (1, 8), *((2, 1 << doublings) for doublings in range(6)))
_FEW = 1_000

Row = tuple[Any, ...]


def place_of(row: Row) -> Place:
    """Of a row as the walk finds it: the bot's id, then COLUMNS."""
    return Place(row[2], row[1])


@dataclass(frozen=True)
class Way:
    """Towards the older messages, or the newer."""

    is_older: bool

    def beyond(self, place: Place, window: Window, at: Any = Message.occurred_at) -> Any:
        # One bound on each side: of two, SQLite would look for the first alone in its index.
        if self.is_older:
            bounds = (at >= window.start) & (at < min(window.end, place.at + 1))
            return bounds & ((at < place.at) | (Message.id < place.id))
        bounds = (at >= max(window.start, place.at)) & (at < window.end)
        return bounds & ((at > place.at) | (Message.id > place.id))

    def ordered(self, query: Any) -> Any:
        columns = (Message.occurred_at, Message.id)
        return query.order_by(*(column.desc() if self.is_older else column.asc() for column in columns))

    def stretch(self, at: int, step: int) -> Stretch:
        """What a walk's step looks at from a moment on."""
        kind, blocks = _STEPS[min(step, len(_STEPS) - 1)]
        number, others = at >> BLOCKS[kind][1], blocks - 1
        return (
            Stretch(kind, number - others, number)
            if self.is_older
            else Stretch(kind, number, number + others)
        )

    def end_of(self, stretch: Stretch) -> Place:
        return Place(stretch.start if self.is_older else stretch.end, 0)


OLDER, NEWER = Way(is_older=True), Way(is_older=False)


@dataclass(frozen=True)
class Walk:
    """Through the messages of these bots in the window that pass the filters."""

    bots: Sequence[int]
    window: Window
    filters: Filters

    def rows(self, place: Place, way: Way, limit: int) -> list[Row]:
        """The next `limit`, nearest first."""
        if self.filters == Filters():
            return self._by_key(place, way, limit)
        with message_index.sources() as sources:
            return self._by_index(place, way, limit, self._terms(sources))

    def _by_key(self, place: Place, way: Way, limit: int) -> list[Row]:
        found = [
            row
            for bot in self.bots
            for row in self._of_bot(bot, place, way).select(Message.bot_id, *COLUMNS).limit(limit).tuples()
        ]
        found.sort(key=place_of, reverse=way.is_older)
        return found[:limit]

    def _by_index(self, place: Place, way: Way, limit: int, terms: Terms) -> list[Row]:
        if self._is_about_few():
            return [*self._within(EVER, terms, place, way).limit(limit).tuples()]
        found: list[Row] = []
        step = 0
        while len(found) < limit and (at := self._nearest(place, way)) is not None:
            stretch = way.stretch(at, step)
            found += [*self._within(stretch, terms, place, way).limit(limit - len(found)).tuples()]
            place, step = way.end_of(stretch), step + 1
        return found

    def _is_about_few(self) -> bool:
        """Whether all there is of the user costs less than a stretch of everybody's."""
        if self.filters.user is None:
            return False
        query: Any = BotUser.select(fn.SUM(BotUser.messages)).where(
            BotUser.bot_id.in_(self.bots), BotUser.user_id == self.filters.user
        )
        wrote = query.scalar()
        return wrote is not None and wrote <= _FEW

    def _nearest(self, place: Place, way: Way) -> int | None:
        """When the next message is, matching or not: times without any are passed over."""
        moments = (
            self._of_bot(bot, place, way).select(Message.occurred_at).limit(1).scalar() for bot in self.bots
        )
        known = [at for at in moments if at is not None]
        return (max if way.is_older else min)(known, default=None)

    def _of_bot(self, bot: int, place: Place, way: Way) -> Any:
        return way.ordered(Message.select().where(Message.bot_id == bot, way.beyond(place, self.window)))

    def _within(self, stretch: Stretch, terms: Terms, place: Place, way: Way) -> Any:
        # Sums are in no index: the terms' is the only one that the database can choose.
        at, asked = Message.occurred_at + 0, self.filters
        window = Window(max(self.window.start, stretch.start), min(self.window.end, stretch.end))
        named = (
            (Message.user_id, asked.user),
            (Message.direction, asked.direction),
            (Message.channel, asked.channel),
        )
        return way.ordered(
            Message.select(Message.bot_id, *COLUMNS).where(
                terms.match(stretch),
                (Message.bot_id + 0).in_(self.bots),
                way.beyond(place, window, at),
                *(column == value for column, value in named if value is not None),
            )
        )

    def _terms(self, sources: Sequence[Source]) -> Terms:
        asked = self.filters
        is_narrow = asked.direction is not None or len(self.bots) < Bot.select().count()
        bots = self.bots if is_narrow and len(self.bots) <= _MOST_BOT_MARKS else None
        return Terms(bots, asked.direction, asked.user, asked.channel, asked.query, sources)
