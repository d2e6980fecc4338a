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
