"""What the stream tells of each kind of stored event."""

from typing import Any, NamedTuple

from .. import clock


class StoredMessage(NamedTuple):
    """A row of `message`, with its bot's name."""

    id: int
    bot_id: int
    bot: str
    received_at: int
    occurred_at: int
    direction: str
    user_id: str | None
    user_name: str | None
    text: str | None
    response_ms: int | None
    wait_ms: int | None
    channel: str | None
    event_id: str | None
    attributes: dict[str, Any] | None


class StoredActivity(NamedTuple):
    """A row of `activity`, with its bot's name."""

    id: int
    bot_id: int
    bot: str
    received_at: int
    occurred_at: int
    action: str
    category: str
    severity: str
    status: str
    entity_type: str | None
    entity_id: str | None
    user_id: str | None
    duration_ms: int | None
    details: dict[str, Any] | None


class StoredPresence(NamedTuple):
    """A row of `presence`, with its bot's name."""

    id: int
    bot_id: int
    bot: str
    received_at: int
    occurred_at: int
    change: str
    user_id: str
    user_name: str | None
    status: str | None
    message: str | None
    page: str | None
    device: str | None
    seen_at: int | None
    typing_until: int | None

    @property
    def hides(self) -> bool:
        """Whether it takes back all that was told of the user before."""
        return self.change == "hidden"


class StoredIncidentChange(NamedTuple):
    """A row of `incident_change`, with its bot's name."""

    id: int
    bot_id: int
    bot: str
    received_at: int
    incident_id: int
    rule: str
    subject: str
    severity: str
    message: str
    opened_at: int
    resolved_at: int | None
    resolved_by: str | None
    details: dict[str, Any]


def message_data(message: StoredMessage) -> dict[str, Any]:
    """What a frame of a message tells; times in milliseconds, `timestamp` ISO 8601 in UTC."""
    return {
        "id": message.id,
        "kind": "message",
        "bot": message.bot,
        "direction": message.direction,
        "user_id": message.user_id,
        "user_name": message.user_name,
        "message_text": message.text,
        "timestamp": clock.iso(message.occurred_at),
        "response_time": message.response_ms,
        "wait_ms": message.wait_ms,
        "channel": message.channel,
        "event_id": message.event_id,
        "attributes": message.attributes,
    }


def activity_data(activity: StoredActivity) -> dict[str, Any]:
    """What a frame of an activity tells."""
    return {
        "id": activity.id,
        "kind": "activity",
        "bot": activity.bot,
        "action": activity.action,
        "category": activity.category,
        "severity": activity.severity,
        "status": activity.status,
        "entity_type": activity.entity_type,
        "entity_id": activity.entity_id,
        "user_id": activity.user_id,
        "timestamp": clock.iso(activity.occurred_at),
        "duration_ms": activity.duration_ms,
        "details": activity.details,
    }


def presence_event(presence: StoredPresence) -> str:
    """The name of its frame."""
    return "user_typing" if presence.change == "typing" else "presenceUpdate"


def presence_data(presence: StoredPresence) -> dict[str, Any]:
    """What a frame of a user's presence tells. Of one who hides, all but who it is is null."""
    told = {
        "id": presence.id,
        "kind": "presence",
        "bot": presence.bot,
        "user_id": presence.user_id,
        "user_name": presence.user_name,
        "timestamp": clock.iso(presence.occurred_at),
    }
    if presence.change == "typing":
        until = presence.typing_until
        return told | {
            "typing": bool(until),
            "until": clock.iso(until) if until else None,
            "current_page": presence.page,
        }
    return told | {
        "online_status": presence.status,
        "last_seen": None if presence.seen_at is None else clock.iso(presence.seen_at),
        "custom_message": presence.message,
        "current_page": presence.page,
        "device": presence.device,
        "show_status": not presence.hides,
    }


def alert_event(change: StoredIncidentChange) -> str:
    """The name of its frame."""
    return "alert:new" if change.resolved_at is None else "alert:resolved"


def alert_data(change: StoredIncidentChange) -> dict[str, Any]:
    """What a frame tells of an incident that begins or ends; `alert_id` stays the same for both."""
    return {
        "id": change.id,
        "kind": "alert",
        "bot": change.bot,
        "alert_id": change.incident_id,
        "rule": change.rule,
        "subject": change.subject,
        "severity": change.severity,
        "message": change.message,
        "timestamp": clock.iso(change.received_at),
        "opened_at": clock.iso(change.opened_at),
        "resolved_at": None if change.resolved_at is None else clock.iso(change.resolved_at),
        "resolved_by": change.resolved_by,
        "details": change.details,
    }
