"""Builds the events that tell what goes wrong in a bot: uncaught errors, and what hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import stacks
from .encode import NAME_LIMIT, plain_text
from .heartbeat import event_body

if TYPE_CHECKING:
    from .privacy import Privacy
    from .stacks import Place

ACTION_LIMIT = 200
REMARK_LIMIT = 300


def said(error: BaseException) -> str:
    """What an error says, without the error: its type and message, not yet without secrets."""
    message = str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def remark(text: str, privacy: Privacy) -> str:
    """A short text without secrets. It is cut twice, for half a secret would not be known as one."""
    return privacy.scrubbed(text[: 2 * REMARK_LIMIT])[:REMARK_LIMIT]


def error_body(error: Exception, user_id: object, duration_ms: int | None, privacy: Privacy) -> str:
    """An error that a handler let out. The bot's own code begins with the handler and ends at the place."""
    places = stacks.of_error(error)
    ours = stacks.own(places)
    return event_body(
        "activity",
        {
            "action": type(error).__name__[:ACTION_LIMIT],
            "category": "error",
            "severity": "error",
            "status": "failure",
            "entity_type": "handler",
            "entity_id": name_of(ours[0]) if ours else None,
            "user_id": person(user_id, privacy),
            "duration_ms": duration_ms,
            "details": privacy.details({"message": remark(said(error), privacy), **where(places)}),
        },
    )


def blocked_body(
    what: str,
    since_ms: int,
    blocked_s: float,
    places: list[Place],
    privacy: Privacy,
    *,
    is_over: bool = False,
) -> str:
    """Something that hangs at these places, or did."""
    ours = stacks.own(places)
    blocked_ms = round(blocked_s * 1000)
    return event_body(
        "activity",
        {
            "action": "blocked",
            "category": "performance",
            "severity": "warning",
            "status": "over" if is_over else "hanging",
            "entity_type": what,
            "entity_id": name_of(ours[-1]) if ours else None,
            "duration_ms": blocked_ms,
            "details": privacy.details({"blocked_ms": blocked_ms, "since": since_ms, **where(places)}),
        },
    )


def person(user_id: object, privacy: Privacy) -> str | None:
    return None if user_id is None else privacy.applied("user_id", plain_text(user_id)[:NAME_LIMIT])


def where(places: list[Place]) -> dict[str, Any]:
    if not places:
        return {}
    return {"place": str(stacks.own(places)[-1]), "stack": stacks.told(places)}


def name_of(place: Place) -> str:
    return f"{place.module}:{place.function}"[:NAME_LIMIT]
