"""Whether a user's presence is shown, as the user has it: for each bot on its own."""

from collections.abc import Sequence

import msgspec

from .. import db, models
from ..config import Timeouts
from ..errors import NotFound
from .standing import Update
from .update import FRAMES, apply, known


class PresenceSettings(msgspec.Struct, frozen=True):
    """What a user may choose; shown unless hidden from one of the bots that were asked about."""

    user_id: str = msgspec.field(name="userId")
    show_online_status: bool


def settings(user_id: str, bots: Sequence[int]) -> PresenceSettings:
    """Raises NotFound for who was never there."""
    found = known((bot, user_id) for bot in bots)
    if not found:
        raise NotFound(f"no presence of a user {user_id!r}")
    return PresenceSettings(user_id, all(one.show_status for one in found.values()))


def set_shown(
    user_id: str, show_status: bool, bots: Sequence[int], now: int, timeouts: Timeouts
) -> PresenceSettings:
    """Hide the user's status and last seen, or show them again. For one bot the user need not be known yet.

    Of several, those count that know the user; raises NotFound when none does.
    """
    with db.writing():
        first_id = models.EventSequence.reserve(FRAMES * len(bots))
        concerned = bots if len(bots) == 1 else [bot for bot, _ in known((bot, user_id) for bot in bots)]
        apply(
            (
                Update(first_id + FRAMES * place, bot, now, now, now, user_id, show_status=show_status)
                for place, bot in enumerate(concerned)
            ),
            timeouts,
        )
        db.announce()
    return settings(user_id, bots)
