"""What a user's presence becomes by what is heard of it, and which of that is news: pure functions.

The newest word by the bot's clock wins, however late another comes. Whether it still holds is told by the
collector's clock, since the last sign of life.
"""

from typing import Literal, NamedTuple

from ..clock import SECOND
from ..config import Timeouts

Status = Literal["online", "away", "busy", "dnd", "offline"]


class Update(NamedTuple):
    """What a bot said. `id` is the first of two; `seen_at` is the collector's time of it. None: unchanged."""

    id: int
    bot_id: int
    occurred_at: int
    received_at: int
    seen_at: int
    user_id: str
    status: Status | None = None
    message: str | None = None
    typing: bool | None = None
    page: str | None = None
    device: str | None = None
    user_name: str | None = None
    show_status: bool | None = None

    @property
    def is_sign_of_life(self) -> bool:
        """Whoever only changes the setting need not be there."""
        said = (self.status, self.message, self.typing, self.page, self.device, self.user_name)
        return self.show_status is None or any(one is not None for one in said)


class Standing(NamedTuple):
    """A row of `presence_now`, which says what each field means."""

    bot_id: int
    user_id: str
    user_name: str | None = None
    status: Status = "offline"
    message: str | None = None
    page: str | None = None
    device: str | None = None
    said_at: int = -1
    seen_at: int = 0
    typing_at: int = -1
    typing_until: int = 0
    show_status: bool = True
    shown_at: int = -1
    told: Status = "offline"


def status_at(status: Status, seen_at: int, now: int, timeouts: Timeouts) -> Status:
    """What a status is worth by now: who said "busy" is busy until nothing was heard for long."""
    silent_ms = now - seen_at
    if silent_ms >= timeouts.offline_s * SECOND:
        return "offline"
    return "away" if status == "online" and silent_ms >= timeouts.away_s * SECOND else status


def merged(known: Standing, update: Update, timeouts: Timeouts) -> Standing:
    """The standing with the update in it; `told` stays as it was."""
    if update.show_status is not None and update.occurred_at >= known.shown_at:
        known = known._replace(show_status=update.show_status, shown_at=update.occurred_at)
    if not update.is_sign_of_life:
        return known
    known = known._replace(seen_at=max(known.seen_at, update.seen_at))
    if update.typing is not None and update.occurred_at >= known.typing_at:
        until = update.seen_at + timeouts.typing_s * SECOND if update.typing else 0
        known = known._replace(typing_at=update.occurred_at, typing_until=until)
    return _said(known, update) if update.occurred_at >= known.said_at else known


def _said(known: Standing, update: Update) -> Standing:
    back = known.status == "offline" and update.status is None
    status = "online" if back else update.status or known.status
    if status == known.status and not _has_words(update):
        return known
    known = known._replace(
        status=status,
        said_at=update.occurred_at,
        user_name=update.user_name or known.user_name,
        device=update.device or known.device,
        message=_changed(known.message, update.message),
        page=_changed(known.page, update.page),
    )
    return known._replace(page=None, typing_until=0) if status == "offline" else known


def _has_words(update: Update) -> bool:
    words = (update.status, update.message, update.page, update.device, update.user_name)
    return any(word is not None for word in words)


def _changed(known: str | None, said: str | None) -> str | None:
    return known if said is None else said or None


def is_new_status(before: Standing, after: Standing, now: int, timeouts: Timeouts) -> bool:
    """Whether those who watch should be told: of a change, and of somebody who shows themselves again."""
    is_other = (before.message, before.page) != (after.message, after.page)
    present = status_at(after.status, after.seen_at, now, timeouts)
    return present != before.told or is_other or not before.show_status


def is_new_typing(before: Standing, after: Standing, update: Update) -> bool:
    """Every word that a user types, for that holds but for seconds; that they stopped, if they had begun."""
    if update.typing is None or after.typing_at != update.occurred_at:
        return False
    is_typing, was_typing = (one.typing_until > update.received_at for one in (after, before))
    return is_typing if update.typing else was_typing
