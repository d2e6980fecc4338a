"""The register of bots."""

import re
from collections.abc import Sequence

import peewee

from .. import db
from ..errors import Conflict, InvalidParameter, NotFound
from ..models import Bot, Token

# Names stand in URLs, metric labels and shell commands: these characters need quoting in none of them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def add(name: str, now: int) -> Bot:
    """Register a bot; raises Conflict when there is one of that name."""
    if not _NAME.fullmatch(name):
        raise InvalidParameter(
            "a bot's name has 1 to 64 letters, digits and '_.-', and starts with a letter or digit; "
            f"got {name!r}"
        )
    try:
        with db.writing():
            return Bot.create(name=name, created_at=now)
    except peewee.IntegrityError:
        raise Conflict(f"there is a bot {name!r} already") from None


def named(name: str) -> Bot:
    """The bot of that name, retired or not; or NotFound."""
    # PostgreSQL refuses to compare with some strings, such as those with a NUL.
    bot = Bot.get_or_none(Bot.name == name) if _NAME.fullmatch(name) else None
    if bot is None:
        raise NotFound(f"no bot {name!r}")
    return bot


def listed() -> Sequence[Bot]:
    """All bots by name, those that are retired too."""
    return list(Bot.select().order_by(Bot.name))


def retire(bot: Bot, now: int) -> None:
    """Take it out of every list and end all its tokens. What it sent stays as long as everything is kept."""
    with db.writing():
        Bot.update(retired_at=now).where(Bot.id == bot.id, Bot.retired_at.is_null()).execute()
        Token.update(revoked_at=now).where(Token.bot == bot, Token.revoked_at.is_null()).execute()


def bring_back(bot: Bot) -> None:
    """Undo `retire`, but for the tokens: it needs a new one."""
    with db.writing():
        Bot.update(retired_at=None).where(Bot.id == bot.id).execute()
