"""What the holder of a read token or of an account may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import NotFound
from ..models import Account, Bot, Token


@dataclass(frozen=True)
class Reader:
    """Either a person with an account, who sees all bots, or a read token, which may be for one bot only."""

    account: Account | None = None
    token: Token | None = None

    @property
    def who(self) -> str:
        """What is counted for it alone is counted under this."""
        if self.token is not None:
            return f"token {self.token.id}"
        return f"account {self.account.id}" if self.account is not None else "nobody"

    @property
    def name(self) -> str:
        """As people know it."""
        if self.token is not None:
            return f"token …{self.token.hint}"
        return self.account.username if self.account is not None else "nobody"

    def scope(self, names: Sequence[str] = ()) -> list[int | None]:
        """The same as `bot_ids`, with None for the collector itself where it may see that too: it is of no
        bot, so neither for who asks for bots nor for a token of one.
        """
        return [*self.bot_ids(names), *([None] if self.sight(names) is None else [])]

    def bot_ids(self, names: Sequence[str] = ()) -> list[int]:
        """The ids it may see, narrowed to `names` if there are any.

        Raises NotFound for a name that doesn't exist or that it may not see: which of the two, it isn't told.
        """
        return [bot.id for bot in self.bots(names)]

    def sight(self, names: Sequence[str] = ()) -> frozenset[int] | None:
        """As `bot_ids`; None for all bots, those added later too, and the collector itself."""
        is_bound = self.token is not None and self.token.bot_id is not None
        return frozenset(self.bot_ids(names)) if names or is_bound else None

    def bots(self, names: Sequence[str] = ()) -> list[Bot]:
        """The same as bots, by name."""
        visible = self._visible()
        if not names:
            return visible
        known = {bot.name for bot in visible}
        for name in names:
            if name not in known:
                raise NotFound(f"no bot {name!r}")
        return [bot for bot in visible if bot.name in names]

    def _visible(self) -> list[Bot]:
        if self.account is None and self.token is None:
            return []
        bots = Bot.select().where(Bot.retired_at.is_null()).order_by(Bot.name)
        if self.token is not None and self.token.bot_id is not None:
            bots = bots.where(Bot.id == self.token.bot_id)
        return list(bots)
