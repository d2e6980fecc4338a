"""What somebody types to find messages: words, "a phrase", beg*, -without.

Any text is a query, or refused with a reason: what isn't a letter, digit or one of these signs parts words.
"""

import re
import unicodedata
from dataclasses import dataclass

from ..errors import InvalidParameter

_LONGEST, _MOST_WORDS = 500, 32
_PART = re.compile(r'(-*)(?:"([^"]*)"?|([^\s"]+))(\*?)')
_ABOVE = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True)
class Term:
    """Words that follow one another; of the last, if `is_prefix`, only the beginning."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False


@dataclass(frozen=True)
class Query:
    """A message matches when it holds all terms that are not excluded, and none of the others."""

    terms: tuple[Term, ...]


def parsed(text: str) -> Query:
    """Raises InvalidParameter for what names nothing to look for."""
    if len(text) > _LONGEST:
        raise InvalidParameter(f"q: longer than {_LONGEST} characters", at="q")
    terms = tuple(term for part in _PART.findall(text) if (term := _term(*part)).words)
    if all(term.is_excluded for term in terms):
        raise InvalidParameter("q: expected at least one word to look for", at="q")
    if sum(len(term.words) for term in terms) > _MOST_WORDS:
        raise InvalidParameter(f"q: more than {_MOST_WORDS} words", at="q")
    return Query(terms)


def _term(minus: str, phrase: str, word: str, star: str) -> Term:
    said = phrase or word
    return Term(_words(said), bool(star) or word.endswith("*"), bool(minus))


def _words(text: str) -> tuple[str, ...]:
    """Runs of letters, marks and digits, without diacritics: as the indexes take a text apart."""
    plain = unicodedata.normalize("NFC", _ABOVE.sub("", unicodedata.normalize("NFD", text)))
    return tuple("".join(sign if _is_of_word(sign) else " " for sign in plain).split())


def _is_of_word(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LMN" or category == "Co"
