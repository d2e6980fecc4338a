"""Turns what a bot says of a user's presence into the body of one JSON line."""

from __future__ import annotations

from json.encoder import encode_basestring as quote

from .encode import NAME_LIMIT, InvalidEvent, now_ms, plain_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .encode import Count
    from .privacy import Privacy

STATUSES = ("online", "away", "busy", "dnd", "offline")
MESSAGE_LIMIT = 100
DEVICE_LIMIT = 64


def presence_body(
    privacy: Privacy,
    count: Count,
    *,
    user_id: object,
    status: object,
    message: object,
    typing: object,
    page: object,
    device: object,
    user_name: object,
    show_status: object,
) -> str | None:
    """None where the policy keeps no user ids: nobody's presence says nothing.

    Raises InvalidEvent when there is no user in this, or the user's own __str__ raises.
    """
    try:
        user = _applied(privacy, "user_id", user_id, NAME_LIMIT)
        if user_id is None or user == "":
            raise InvalidEvent("user_id")
        texts = {
            "status": _status(status, count),
            "message": _applied(privacy, "text", message, MESSAGE_LIMIT),
            "page": _page(page, privacy),
            "device": None if device is None else plain_text(device)[:DEVICE_LIMIT],
            "user_name": _applied(privacy, "user_name", user_name, NAME_LIMIT),
        }
    except Exception as error:  # an argument's own __str__ may raise anything
        raise InvalidEvent from error
    if user is None:
        return None
    switches = {"typing": _switch(typing, count), "show_status": _switch(show_status, count)}
    parts = [f'"kind":"presence","ts":{now_ms()},"user_id":{quote(user)}']
    parts += [f'"{name}":{quote(value)}' for name, value in texts.items() if value is not None]
    parts += [f'"{name}":{value}' for name, value in switches.items() if value is not None]
    return ",".join(parts)


def _applied(privacy: Privacy, field: str, value: object, most: int) -> str | None:
    """By the field's policy. It is cut twice, for half a secret would not be known as one."""
    if value is None:
        return None
    kept = privacy.applied(field, plain_text(value)[: 2 * most])
    return None if kept is None else kept[:most]


def _page(value: object, privacy: Privacy) -> str | None:
    return None if value is None else privacy.scrubbed(plain_text(value)[: 2 * NAME_LIMIT])[:NAME_LIMIT]


def _status(value: object, count: Count) -> str | None:
    if value is None or value in STATUSES:
        return value
    count("invalid_field")
    return None


def _switch(value: object, count: Count) -> str | None:
    if value is None:
        return None
    if not isinstance(value, bool):
        count("invalid_field")
        return None
    return "true" if value else "false"
