"""What bots have sent so far, for the page that waits for the first of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from peewee import fn

from ..models import Bot, Heartbeat, Instance, MessageDay


@dataclass(frozen=True)
class Arrival:
    """The newest instance of those bots, and how much has come. `heartbeat_at` is None before the first."""

    bot: str
    host: str | None
    pid: int | None
    agent: str | None
    heartbeat_at: int | None
    messages: int
    skew_ms: int | None


def anything_from(bots: Sequence[int]) -> bool:
    """Whether any of these bots has ever sent something."""
    return bool(Instance.select().where(Instance.bot_id.in_(bots)).exists())


def newest_from(bots: Sequence[int]) -> Arrival | None:
    """The instance that reported last, or None while nothing came."""
    instance = (
        Instance.select(Instance, Bot.name.alias("bot_name"))
        .join(Bot, on=(Bot.id == Instance.bot_id))
        .where(Instance.bot_id.in_(bots))
        .order_by(Instance.last_seen_at.desc())
        .objects()
        .first()
    )
    if instance is None:
        return None
    return Arrival(
        bot=instance.bot_name,
        host=instance.host,
        pid=instance.pid,
        agent=instance.agent,
        heartbeat_at=_last_heartbeat(instance),
        messages=_messages(instance.bot_id),
        skew_ms=instance.skew_ms,
    )


def _last_heartbeat(instance: Instance) -> int | None:
    at: int | None = (
        Heartbeat.select(Heartbeat.received_at)
        .where(Heartbeat.bot_id == instance.bot_id, Heartbeat.instance_id == instance.id)
        .order_by(Heartbeat.id.desc())
        .limit(1)
        .scalar()
    )
    return at


def _messages(bot_id: int) -> int:
    total = fn.SUM(MessageDay.messages_in + MessageDay.messages_out)
    return int(MessageDay.select(total).where(MessageDay.bot_id == bot_id).scalar() or 0)
