"""Whether a bot that is up no longer receives: alive, but deaf.

Silence alone says little: many bots are quiet at night. So it is compared with what the same time of day
brought on the days before.
"""

from collections.abc import Sequence

from ..clock import DAY, MINUTE
from ..models import Heartbeat, MessageDay
from .counts import counts
from .window import Window

SILENT_MS = 15 * MINUTE
"""Shorter silence is never deafness."""

EXPECTED = 10
"""So many messages must be missing: by chance (Poisson) that happens once in 22,000 times."""

_DAYS = 7


def is_deaf(bot: int, up: Sequence[Heartbeat], now: int) -> bool:
    """Whether the instances that are up had no update for over 15 minutes in which 10 messages were due.

    Due is the average of the same span of the last seven days, as far as the bot has been there; on its first
    day, what the same length of time before the silence brought. A bot that doesn't report when it got its
    last update is never called deaf.
    """
    ages = [
        round(beat.update_age_s * 1_000) + now - beat.received_at
        for beat in up
        if beat.update_age_s is not None
    ]
    if not ages or min(ages) <= SILENT_MS:
        return False
    silence = Window(now - min(*ages, DAY), now)
    return _expected(bot, silence) >= EXPECTED


def _expected(bot: int, silence: Window) -> float:
    first = MessageDay.select(MessageDay.at).where(MessageDay.bot_id == bot).order_by(MessageDay.at)
    first_at = first.limit(1).scalar()
    if first_at is None:
        return 0
    earlier = [Window(silence.start - days * DAY, silence.end - days * DAY) for days in range(1, _DAYS + 1)]
    known = [window for window in earlier if window.start >= first_at] or [silence.previous()]
    return sum(counts([bot], window).messages_in for window in known) / len(known)
