"""Marks what somebody looked for in the text that was found.

Words are compared as the search compares them: without capitals and accents. The same for messages that
arrive live is in `web/static/js/marks.js`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from ..messages import Query

# Letters, digits and what is written over or under them.
_WORD = re.compile("(?:[^\\W_]|[\u0300-\u036f])+")


class Sought(NamedTuple):
    """A term of a query, folded: words that follow one another, the last one only begun if `is_prefix`."""

    words: tuple[str, ...]
    is_prefix: bool
    is_excluded: bool

    def is_at(self, place: int, words: Sequence[str]) -> bool:
        """Whether the words from there on are these."""
        here = tuple(words[place : place + len(self.words)])
        if not self.is_prefix or len(here) < len(self.words):
            return here == self.words
        return here[:-1] == self.words[:-1] and here[-1].startswith(self.words[-1])


def sought(query: Query | None) -> list[Sought]:
    """What a query asks for, ready to be compared; also for the script, as JSON."""
    return [
        Sought(tuple(map(_folded, term.words)), term.is_prefix, term.is_excluded)
        for term in (query.terms if query else ())
    ]


def marked(text: str, terms: Sequence[Sought]) -> Markup:
    """The text, escaped, with what was sought marked."""
    return Markup("").join(_pieces(text, [term for term in terms if not term.is_excluded]))


def _pieces(text: str, terms: Sequence[Sought]) -> Iterator[Markup]:
    found: list[Any] = list(_WORD.finditer(text)) if terms else []
    words = [_folded(one.group()) for one in found]
    end = 0
    for place, one in enumerate(found):
        lengths = [len(term.words) for term in terms if term.is_at(place, words)]
        if lengths and one.start() >= end:
            last = found[place + max(lengths) - 1].end()
            yield escape(text[end : one.start()])
            yield Markup("<mark>{}</mark>").format(text[one.start() : last])
            end = last
    yield escape(text[end:])


def _folded(word: str) -> str:
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(char for char in parts if not unicodedata.combining(char))
