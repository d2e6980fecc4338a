"""One conversation between a simulated user and the demo bot, turn by turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from random import Random

from .people import Person

TYPICAL_RESPONSE_MS = 380
TYPICAL_PAUSE_S = 18
TYPICAL_DELIVERY_MS = 90


@dataclass(frozen=True)
class Turn:
    """What a user wrote and the bot replied.

    The platform takes `delivery_ms` to hand it over, the bot `response_ms` to reply; then the user pauses.
    """

    person: Person
    text: str
    reply: str
    delivery_ms: int
    response_ms: int
    pause_s: float


def conversation(person: Person, random: Random) -> Iterator[Turn]:
    language = person.language
    if random.random() < 0.7:
        yield _turn(person, random.choice(language.openings), random)
    questions = min(len(language.questions), 1 + int(random.expovariate(0.6)))
    for exchange in random.sample(language.questions, questions):
        yield _turn(person, exchange, random)
    if random.random() < 0.6:
        yield _turn(person, random.choice(language.closings), random)


def _turn(person: Person, exchange: tuple[str, str], random: Random) -> Turn:
    text, reply = exchange
    return Turn(
        person,
        text,
        reply,
        delivery_ms=round(random.lognormvariate(log(TYPICAL_DELIVERY_MS), 0.5)),
        response_ms=round(random.lognormvariate(log(TYPICAL_RESPONSE_MS), 0.6)),
        pause_s=random.lognormvariate(log(TYPICAL_PAUSE_S), 0.8),
    )
