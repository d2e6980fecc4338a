"""What the dependencies of bots answered of late."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..clock import iso
from ..models import Bot, CheckResult, Instance
from .bots import BotState

MOST = 10


class CheckAnswer(msgspec.Struct, frozen=True):
    """One answer to one instance."""

    at: str
    status: str
    latency_ms: float | None
    message: str | None
    instance: str


def answers(bots: Sequence[int], states: Sequence[BotState]) -> dict[tuple[str, str], list[CheckAnswer]]:
    """The last ten answers of each check that the bots have, by bot and name, newest first."""
    named: Any = Bot.select(Bot.name, Bot.id).where(Bot.id.in_(bots)).tuples()
    ids = dict(named)
    return {(bot.name, name): _answers(ids[bot.name], name) for bot in states for name in bot.checks}


def _answers(bot: int, name: str) -> list[CheckAnswer]:
    instance = (Instance.bot_id == CheckResult.bot_id) & (Instance.id == CheckResult.instance_id)
    rows: Any = (
        CheckResult.select(
            CheckResult.occurred_at,
            CheckResult.status,
            CheckResult.latency_ms,
            CheckResult.message,
            Instance.host,
            Instance.name,
        )
        .join(Instance, on=instance)
        .where(CheckResult.bot_id == bot, CheckResult.name == name)
        .order_by(CheckResult.id.desc())
        .limit(MOST)
        .tuples()
    )
    return [
        CheckAnswer(iso(at), status, latency, message, host or name)
        for at, status, latency, message, host, name in rows
    ]
