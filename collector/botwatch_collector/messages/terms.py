"""What the index is asked for, written for FTS5 or for PostgreSQL.

Beside words the index holds marks: of the bot with the direction, the user, the channel, and of the blocks of
time that a message lies in. All of them narrow a search inside the index, before a row is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import peewee

from .. import db, models
from ..analytics.window import LATEST
from ..message_index import Source
from .query import Query, Term

_DIRECTIONS = ("in", "out")
_MOST_SELECTS = 400
"""SQLite joins no more than 500 by UNION."""

BLOCKS = (("f", 20), ("g", 25), ("h", 31))
"""17 minutes, 9 hours and 25 days, as the migrations write them."""


@dataclass(frozen=True)
class Stretch:
    """A time of one or more neighbouring blocks. The moments of a block begin with the same bits; `kind` says
    with how many.
    """

    kind: int
    first: int
    last: int

    @property
    def start(self) -> int:
        return self.first << BLOCKS[self.kind][1]

    @property
    def end(self) -> int:
        return (self.last + 1) << BLOCKS[self.kind][1]

    @property
    def marks(self) -> list[str]:
        """One of them must be there; none for all times."""
        return [] if self == EVER else self._marks(self.first, self.last)

    def overlaps(self, source: Source) -> bool:
        return source.first_at < self.end and source.last_at >= self.start

    def marks_in(self, source: Source) -> list[str]:
        """Those that matter there; none where all its messages are of this time."""
        if self == EVER or (self.start <= source.first_at and source.last_at < self.end):
            return []
        bits = BLOCKS[self.kind][1]
        return self._marks(max(self.first, source.first_at >> bits), min(self.last, source.last_at >> bits))

    def _marks(self, first: int, last: int) -> list[str]:
        return [f"{BLOCKS[self.kind][0]}{number}" for number in range(first, last + 1)]


EVER = Stretch(len(BLOCKS) - 1, 0, LATEST >> BLOCKS[-1][1])


@dataclass(frozen=True)
class Terms:
    """All of it must match. Of `bots` any one; None is all of them.

    `sources` are the tables of the index on SQLite, within `message_index.sources`.
    """

    bots: Sequence[int] | None
    direction: str | None
    user: str | None
    channel: str | None
    query: Query | None
    sources: Sequence[Source] = ()

    def match(self, stretch: Stretch) -> Any:
        """The condition on Message, which only the index can answer."""
        return _match_postgresql(self, stretch) if db.is_postgresql() else _match_sqlite(self, stretch)

    def bot_marks(self) -> list[str]:
        directions = (self.direction,) if self.direction else _DIRECTIONS
        return [f"b{bot}{direction}" for bot in self.bots or () for direction in directions]


def _match_sqlite(terms: Terms, stretch: Stretch) -> Any:
    found = [source for source in terms.sources if stretch.overlaps(source)]
    groups = [found[first : first + _MOST_SELECTS] for first in range(0, len(found), _MOST_SELECTS)]
    conditions = [_is_in(group, terms, stretch) for group in groups]
    return reduce(or_, conditions) if conditions else peewee.SQL("0")


def _is_in(sources: Sequence[Source], terms: Terms, stretch: Stretch) -> Any:
    asked = " UNION ALL ".join(f"SELECT rowid FROM {one.table} WHERE {one.table} MATCH ?" for one in sources)  # noqa: S608
    found = peewee.SQL(f"({asked})", [_asked(terms, stretch, source) for source in sources])
    return peewee.Expression(models.Message.id, peewee.OP.IN, found)


def _asked(terms: Terms, stretch: Stretch, source: Source) -> str:
    times = stretch.marks_in(source)
    marks = [_any(times, " OR ", '"{}"'.format)] if times else []
    if terms.bots is not None:
        marks.append(_any(terms.bot_marks(), " OR ", '"{}"'.format))
    named = (("u", terms.user), ("c", terms.channel))
    marks += [f'"{kind}{name.encode().hex()}"' for kind, name in named if name is not None]
    wanted = [f"marks : ({' AND '.join(marks)})"] if marks else []
    left_out: list[str] = []
    if terms.query:
        taken = [_fts5(term) for term in terms.query.terms if not term.is_excluded]
        left_out = [_fts5(term) for term in terms.query.terms if term.is_excluded]
        wanted.insert(0, f"text : ({' AND '.join(taken)})")
    asked = f"({' AND '.join(wanted)})"
    return f"{asked} NOT text : ({' OR '.join(left_out)})" if left_out else asked


def _any(marks: Sequence[str], either: str, written: Callable[[str], str]) -> str:
    return f"({either.join(map(written, marks))})"


def _fts5(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.is_prefix else "")


def _match_postgresql(terms: Terms, stretch: Stretch) -> Any:
    marks = [_any(stretch.marks, " | ", _lexeme)] if stretch.marks else []
    if terms.bots is not None:
        marks.append(_any(terms.bot_marks(), " | ", _lexeme))
    named = (("u", terms.user), ("c", terms.channel))
    marks += [_lexeme(kind + name) for kind, name in named if name is not None]
    words = [_tsquery(term) for term in terms.query.terms] if terms.query else []
    # As the index is declared, to the letter.
    return peewee.SQL(
        "message_terms(bot_id, direction, user_id, channel, occurred_at, text) "
        "@@ (to_tsquery('simple', %s) && %s::tsquery)",
        (" & ".join(words), " & ".join(marks)),
    )


def _lexeme(mark: str) -> str:
    return "'@" + mark.replace("\\", "\\\\").replace("'", "''") + "'"


def _tsquery(term: Term) -> str:
    words = [f"'{word}'" for word in term.words]
    if term.is_prefix:
        words[-1] += ":*"
    return f"{'!' if term.is_excluded else ''}({' <-> '.join(words)})"
