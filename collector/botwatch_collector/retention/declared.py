"""What retention removes: a table of data. A kind of row that grows without end has a rule here."""

from dataclasses import dataclass
from typing import Any

import peewee
from peewee import fn

from .. import db, models
from ..clock import DAY, HOUR, MINUTE
from ..config import Keep


@dataclass(frozen=True)
class Rule:
    """Rows of `model` leave when they came longer ago than the days that `keep` names.

    `spares` says which of them stay nevertheless. `order` is ascending in the order in which rows came, and
    indexed.
    """

    name: str
    model: Any
    keep: str
    spares: peewee.Expression | None = None
    is_archived: bool = False

    @property
    def order(self) -> Any:
        return self.model.received_at if self.model is models.EventId else self.model.id

    def cutoff(self, keep: Keep, now: int) -> int:
        """What came before this leaves; nothing does where it is kept for ever."""
        days: int = getattr(keep, self.keep)
        return now - days * DAY if days else 0


def _is_last_of(span_ms: int) -> Any:
    """The instance's last sample of the minute, or hour."""
    sample, other = models.Sample, models.Sample.alias()
    end = db.start_of(sample.occurred_at, span_ms) + span_ms
    is_later = (other.occurred_at > sample.occurred_at) | (other.id > sample.id)
    later = other.select(peewee.SQL("1")).where(
        other.bot_id == sample.bot_id,
        other.instance_id == sample.instance_id,
        other.occurred_at >= sample.occurred_at,
        other.occurred_at < end,
        is_later,
    )
    return ~fn.EXISTS(later)


def _is_newest() -> Any:
    """The instance's last heartbeat says how it ended, and what it lost in all."""
    heartbeat, other = models.Heartbeat, models.Heartbeat.alias()
    later = other.select(peewee.SQL("1")).where(
        other.bot_id == heartbeat.bot_id,
        other.instance_id == heartbeat.instance_id,
        other.id > heartbeat.id,
    )
    return ~fn.EXISTS(later)


RULES = (
    Rule("message", models.Message, "messages", is_archived=True),
    # No longer than the messages: what is forgotten with them must not stay here.
    Rule("event_id", models.EventId, "messages"),
    Rule("activity", models.Activity, "activities", is_archived=True),
    Rule("check", models.CheckResult, "checks", is_archived=True),
    Rule("incident_change", models.IncidentChange, "activities"),
    Rule("presence", models.Presence, "presence"),
    Rule("heartbeat", models.Heartbeat, "heartbeats", spares=_is_newest()),
    Rule("sample", models.Sample, "samples", spares=_is_last_of(MINUTE)),
    Rule("sample_by_minute", models.Sample, "samples_by_minute", spares=_is_last_of(HOUR)),
    Rule("sample_by_hour", models.Sample, "samples_by_hour"),
)
