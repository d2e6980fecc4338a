"""Finds bots and people by what somebody remembers: how an id begins, or a word of a name."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..clock import iso
from ..models import BotUser
from ..presence import hidden_users

# After every character that an id can go on with, by code points.
_LAST = "\U0010ffff"


class FoundUser(msgspec.Struct, frozen=True):
    """Under the name last seen; `last_seen` is when somebody of that id last wrote to any of the bots.

    Who hides their presence was last seen never, as far as anybody is told.
    """

    user_id: str
    user_name: str | None
    last_seen: str | None


def bots_found(names: Sequence[str], text: str, limit: int) -> list[str]:
    """Of these names, those that hold the text, in small or capital letters."""
    wanted = text.strip().casefold()
    return [name for name in names if wanted and wanted in name.casefold()][:limit]


def users_found(bots: Sequence[int], text: str, limit: int) -> list[FoundUser]:
    """Those whose id begins with it, in order, then those with such a word in their name, last seen first.

    Ids are found by the index, in small and capital letters as they are. Names are looked at one by one:
    50,000 take some 20 ms.
    """
    # No text in the database holds U+0000, and PostgreSQL can't be asked for one.
    wanted = text.replace("\x00", "").strip()
    if not bots or not wanted:
        return []
    people: dict[str, Any] = {}
    for row in [*_by_id(bots, wanted, limit), *_by_name(bots, wanted, limit)]:
        people.setdefault(row.user_id, row)
    hidden = hidden_users(bots, list(people))
    return [
        FoundUser(row.user_id, row.user_name, None if row.user_id in hidden else iso(row.last_at))
        for row in list(people.values())[:limit]
    ]


def _by_id(bots: Sequence[int], start: str, limit: int) -> Any:
    return (
        BotUser.select()
        .where(BotUser.bot_id.in_(bots), BotUser.user_id >= start, BotUser.user_id < start + _LAST)
        .order_by(BotUser.user_id, BotUser.last_at.desc())
        .limit(limit)
    )


def _by_name(bots: Sequence[int], start: str, limit: int) -> Any:
    name = BotUser.user_name
    return (
        BotUser.select()
        .where(BotUser.bot_id.in_(bots), name.startswith(start) | name.contains(f" {start}"))
        .order_by(BotUser.last_at.desc(), BotUser.user_id)
        .limit(limit)
    )
