"""The channels of the stream, as a table. A new one is an entry here, and a line in docs/streaming.md.

Events are stored: their ids come from one sequence, so that one id says where a reader is in all of them.
States are what is true at present, and the next replaces the last.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analytics import live
from ..errors import InvalidParameter
from ..models import Activity, IncidentChange, Message, Presence
from .events import (
    StoredActivity,
    StoredIncidentChange,
    StoredMessage,
    StoredPresence,
    activity_data,
    alert_data,
    alert_event,
    message_data,
    presence_data,
    presence_event,
)
from .frames import Frame, encoded


@dataclass(frozen=True)
class Events:
    """`row` has a field for each column read, `bot` for the bot's name; `filters` are columns by filter.

    `event` names the frame of a row.
    """

    name: str
    event: Callable[[Any], str]
    table: Any
    row: type[Any]
    data: Callable[[Any], dict[str, Any]]
    filters: dict[str, Any]

    def frame(self, row: Any) -> Frame:
        """Encode a row, once for all readers."""
        return Frame(
            stream=self.name,
            bot_id=row.bot_id,
            encoded=encoded(self.event(row), self.data(row), row.id),
            id=row.id,
            received_at=row.received_at,
            user_id=getattr(row, "user_id", None),
            direction=getattr(row, "direction", None),
            channel=getattr(row, "channel", None),
            text=getattr(row, "text", None),
            hides=getattr(row, "hides", False),
        )


@dataclass(frozen=True)
class States:
    """Read every `period_s` while somebody wants them, and told when their mark has changed."""

    name: str
    event: str
    read: Callable[[int], Iterable[live.Present]]
    period_s: float

    def frame(self, state: live.Present) -> Frame:
        return Frame(stream=self.name, bot_id=state.bot_id, encoded=encoded(self.event, state.body))


def _always(event: str) -> Callable[[Any], str]:
    return lambda row: event


MESSAGES = Events(
    "messages",
    _always("message:new"),
    Message,
    StoredMessage,
    message_data,
    {"user": Message.user_id, "direction": Message.direction, "channel": Message.channel},
)

CHANNELS: tuple[Events | States, ...] = (
    MESSAGES,
    Events(
        "activity",
        _always("activity:new"),
        Activity,
        StoredActivity,
        activity_data,
        {"user": Activity.user_id},
    ),
    Events("presence", presence_event, Presence, StoredPresence, presence_data, {"user": Presence.user_id}),
    Events("alerts", alert_event, IncidentChange, StoredIncidentChange, alert_data, {}),
    States("metrics", "metrics:update", live.metrics, period_s=30.0),
    States("health", "health:changed", live.health, period_s=5.0),
)

NAMES = tuple(channel.name for channel in CHANNELS)
EVENTS = {channel.name: channel for channel in CHANNELS if isinstance(channel, Events)}
STATES = {channel.name: channel for channel in CHANNELS if isinstance(channel, States)}


def named(names: Sequence[str]) -> tuple[str, ...]:
    """These channels in the order of the table; raises InvalidParameter for one that there isn't."""
    for name in names:
        if name not in NAMES:
            raise InvalidParameter(
                f"channels: expected any of {', '.join(NAMES)}, got {name[:40]!r}", at="channels"
            )
    return tuple(name for name in NAMES if name in names)
