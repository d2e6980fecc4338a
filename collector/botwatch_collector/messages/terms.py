"""What the index is asked for, written for FTS5 or for PostgreSQL.

Beside words the index holds marks: of the bot with the direction, the user, the channel, and of the blocks of
time that a message lies in. All of them narrow a search inside the index, before a row is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from .. import db, models
from .query import Query, Term

_DIRECTIONS = ("in", "out")


@dataclass(frozen=True)
class Block:
    """The messages of a stretch of time, all whose moments begin with the same bits; `kind` is its length."""

    kind: int
    number: int

    @classmethod
    def around(cls, at: int, kind: int) -> "Block":
        return cls(kind, at >> BLOCKS[kind][1])

    @property
    def start(self) -> int:
        return self.number << BLOCKS[self.kind][1]

    @property
    def end(self) -> int:
        return (self.number + 1) << BLOCKS[self.kind][1]

    @property
    def mark(self) -> str:
        return f"{BLOCKS[self.kind][0]}{self.number}"


BLOCKS = (("f", 20), ("g", 25), ("h", 31))
"""17 minutes, 9 hours and 25 days, as the migrations write them."""


@dataclass(frozen=True)
class Terms:
    """All of it must match. Of `bots` any one; None is all of them."""

    bots: Sequence[int] | None
    direction: str | None
    user: str | None
    channel: str | None
    query: Query | None

    def match(self, block: Block) -> Any:
        """The condition on Message, which only the index can answer."""
        return _match_postgresql(self, block) if db.is_postgresql() else _match_sqlite(self, block)

    def bot_marks(self) -> list[str]:
        directions = (self.direction,) if self.direction else _DIRECTIONS
        return [f"b{bot}{direction}" for bot in self.bots or () for direction in directions]


def _match_sqlite(terms: Terms, block: Block) -> Any:
    marks = [f'"{block.mark}"']
    if terms.bots is not None:
        marks.append("(" + " OR ".join(f'"{mark}"' for mark in terms.bot_marks()) + ")")
    named = (("u", terms.user), ("c", terms.channel))
    marks += [f'"{kind}{name.encode().hex()}"' for kind, name in named if name is not None]
    wanted = f"marks : ({' AND '.join(marks)})"
    if terms.query:
        taken = [_fts5(term) for term in terms.query.terms if not term.is_excluded]
        left_out = [_fts5(term) for term in terms.query.terms if term.is_excluded]
        wanted = f"(text : ({' AND '.join(taken)}) AND {wanted})"
        if left_out:
            wanted += f" NOT text : ({' OR '.join(left_out)})"
    found = peewee.SQL("(SELECT rowid FROM message_index WHERE message_index MATCH ?)", (wanted,))
    return peewee.Expression(models.Message.id, peewee.OP.IN, found)


def _fts5(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.is_prefix else "")


def _match_postgresql(terms: Terms, block: Block) -> Any:
    marks = [_lexeme(block.mark)]
    if terms.bots is not None:
        marks.append(f"({' | '.join(map(_lexeme, terms.bot_marks()))})")
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
