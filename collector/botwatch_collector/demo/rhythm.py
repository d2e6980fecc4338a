"""How busy the demo bot is, hour by hour: people sleep, work and have weekends, each in their zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from .languages import Language

HOUR_MS = 3_600_000

# How much is written in each hour of a person's day, the busiest being 1.
BY_HOUR = (
    0.10, 0.06, 0.04, 0.03, 0.04, 0.08, 0.20, 0.42, 0.65, 0.82, 0.90, 0.94,
    0.86, 0.80, 0.82, 0.84, 0.86, 0.90, 0.98, 1.00, 0.95, 0.78, 0.48, 0.24,
)  # fmt: skip
BY_WEEKDAY = (1.10, 1.04, 1.0, 1.0, 0.92, 0.62, 0.55)

CONVERSATIONS_PER_USER_AND_DAY = 2.0


@dataclass(frozen=True)
class Episode:
    """A time in which the bot answered slowly or was asked far more than usual, by these factors."""

    first_ms: int
    last_ms: int
    slowness: float = 1.0
    rush: float = 1.0


def activity(language: Language, at_ms: int) -> float:
    """How much of their busiest the speakers of a language are at a time, 0 to about 1."""
    local = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=language.utc_offset_h)
    return BY_HOUR[local.hour] * BY_WEEKDAY[local.weekday()]


def conversations_in_hour(users: int, language: Language, at_ms: int, random: Random) -> int:
    per_day = users * language.share * CONVERSATIONS_PER_USER_AND_DAY
    expected = per_day * activity(language, at_ms) / sum(BY_HOUR)
    return max(0, round(random.gauss(expected, expected**0.5)))


def episodes(first_ms: int, last_ms: int, random: Random) -> list[Episode]:
    """About one slow time and one rush a week, spread over the window."""
    weeks = (last_ms - first_ms) / (7 * 24 * HOUR_MS)
    count = max(1, round(weeks))
    return [
        *(_episode(first_ms, last_ms, random, slowness=random.uniform(4, 9)) for _ in range(count)),
        *(_episode(first_ms, last_ms, random, rush=random.uniform(2, 3)) for _ in range(count)),
    ]


def _episode(
    first_ms: int, last_ms: int, random: Random, *, slowness: float = 1.0, rush: float = 1.0
) -> Episode:
    start_ms = random.randint(first_ms, last_ms)
    return Episode(start_ms, start_ms + random.randint(HOUR_MS, 3 * HOUR_MS), slowness, rush)
