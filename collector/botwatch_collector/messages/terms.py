"""What the index is asked for, written for FTS5 or for PostgreSQL.

Beside words the index holds marks: of the bot with the direction, the user, the channel, and of the blocks of
time that a message lies in. All of them narrow a search inside the index, before a row is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from .. import db, models
from ..analytics.window import LATEST
from .query import Query, Term

_DIRECTIONS = ("in", "out")


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
        numbers = () if self == EVER else range(self.first, self.last + 1)
        return [f"{BLOCKS[self.kind][0]}{number}" for number in numbers]


EVER = Stretch(len(BLOCKS) - 1, 0, LATEST >> BLOCKS[-1][1])


@dataclass(frozen=True)
class Terms:
    """All of it must match. Of `bots` any one; None is all of them.

    `tail`: whether to look through that of the index as well, within `message_index.tail`.
    """

    bots: Sequence[int] | None
    direction: str | None
    user: str | None
    channel: str | None
    query: Query | None
    tail: bool = False

    def match(self, stretch: Stretch) -> Any:
        """The condition on Message, which only the index can answer."""
        return _match_postgresql(self, stretch) if db.is_postgresql() else _match_sqlite(self, stretch)

    def bot_marks(self) -> list[str]:
        directions = (self.direction,) if self.direction else _DIRECTIONS
        return [f"b{bot}{direction}" for bot in self.bots or () for direction in directions]


def _match_sqlite(terms: Terms, stretch: Stretch) -> Any:
    marks = [_any(stretch.marks, " OR ", '"{}"'.format)] if stretch.marks else []
    if terms.bots is not None:
        marks.append(_any(terms.bot_marks(), " OR ", '"{}"'.format))
    named = (("u", terms.user), ("c", terms.channel))
    marks += [f'"{kind}{name.encode().hex()}"' for kind, name in named if name is not None]
    wanted = f"marks : ({' AND '.join(marks)})"
    if terms.query:
        taken = [_fts5(term) for term in terms.query.terms if not term.is_excluded]
        left_out = [_fts5(term) for term in terms.query.terms if term.is_excluded]
        wanted = f"(text : ({' AND '.join(taken)}) AND {wanted})"
        if left_out:
            wanted += f" NOT text : ({' OR '.join(left_out)})"
    places = ["message_index", "message_tail"] if terms.tail else ["message_index"]
    asked = " UNION ALL ".join(f"SELECT rowid FROM {place} WHERE {place} MATCH ?" for place in places)  # noqa: S608
    found = peewee.SQL(f"({asked})", [wanted] * len(places))
    return peewee.Expression(models.Message.id, peewee.OP.IN, found)


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
