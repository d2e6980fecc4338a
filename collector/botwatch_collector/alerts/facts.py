"""Reads what the rules look at, of all bots at once."""

from collections import defaultdict
from typing import Any

from peewee import fn

from ..analytics.bots import bot_states
from ..analytics.troubles import hangs
from ..clock import SECOND
from ..models import Activity, Bot
from .rules import ERRORS_WITHIN_S, Facts


def facts(now: int) -> list[Facts]:
    """Of the bots that aren't retired. Costs some short queries of each."""
    ids = {bot.name: bot.id for bot in Bot.select().where(Bot.retired_at.is_null())}
    states = bot_states(list(ids.values()), now)
    hanging = defaultdict(list)
    for hang in hangs(list(ids.values()), states, now):
        if hang.state == "hanging":
            hanging[hang.bot].append(hang)
    errors = _errors(list(ids.values()), now)
    return [Facts(ids[bot.name], bot, hanging[bot.name], errors.get(ids[bot.name], 0)) for bot in states]


def _errors(bots: list[int], now: int) -> dict[int, int]:
    query: Any = (
        Activity.select(Activity.bot_id, fn.COUNT(Activity.id))
        .where(
            Activity.bot_id.in_(bots),
            Activity.category == "error",
            Activity.occurred_at > now - ERRORS_WITHIN_S * SECOND,
            Activity.occurred_at <= now,
        )
        .group_by(Activity.bot_id)
        .tuples()
    )
    return dict(query)
