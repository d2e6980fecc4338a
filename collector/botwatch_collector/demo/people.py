"""The simulated users: who they are, how often they write, and whom of them the next conversation is with."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from .languages import Language, languages

CHANNELS = ("telegram", "telegram", "whatsapp", "web")


@dataclass(frozen=True)
class Person:
    user_id: str
    name: str
    language: Language
    channel: str


class Crowd:
    """People by language. A few of them write often and most of them seldom, as in any real bot."""

    def __init__(self, people: int, random: Random) -> None:
        self._by_language: Mapping[str, list[Person]] = {language.code: [] for language in languages()}
        shares = [language.share for language in languages()]
        for number in range(people):
            # Everybody speaks something, and a small crowd still speaks more than one language.
            (language,) = random.choices(languages(), shares)
            self._by_language[language.code].append(_person(number, language, random))
        self._weights = {
            code: list(accumulate(1 / (rank + 3) for rank in range(len(members))))
            for code, members in self._by_language.items()
        }

    def spoken(self) -> list[Language]:
        return [language for language in languages() if self._by_language[language.code]]

    def somebody(self, language: Language, random: Random) -> Person:
        members = self._by_language[language.code]
        (person,) = random.choices(members, cum_weights=self._weights[language.code])
        return person


def _person(number: int, language: Language, random: Random) -> Person:
    first, last = random.choice(language.first_names), random.choice(language.last_names)
    name = f"{last} {first}" if language.code == "ja" else f"{first} {last}"
    return Person(str(700_000_000 + number * 7919), name, language, random.choice(CHANNELS))
