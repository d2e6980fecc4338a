"""Reads the Telegram Bot API's messages: what a user said in an update, what a call of the bot sent.

Works on the objects of any framework and on plain JSON alike, for all of them keep the API's own field names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from .messages import Received, Sent

# Update field -> whether it is a later change of a message.
_MESSAGES = {
    "message": False,
    "channel_post": False,
    "business_message": False,
    "edited_message": True,
    "edited_channel_post": True,
    "edited_business_message": True,
}
# What a message without text can be; anything else (joins, pins, titles) is no message of a user.
_CONTENTS = (
    "photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker", "venue", "location",
    "contact", "poll", "dice", "game", "invoice", "story", "paid_media", "checklist",
)  # fmt: skip
_SENDING = ("send", "forward", "copy")
_EDITING = ("editMessageText", "editMessageCaption", "editMessageMedia")


def received(update: Any) -> Received | None:
    """The user's message in an update, None when it carries none (a poll answer, a join, an inline query)."""
    for name, is_edit in _MESSAGES.items():
        message = _get(update, name)
        if message:
            return _received_message(message, is_edit)
    press = _get(update, "callback_query")
    return _received_press(press) if press else None


def sent(endpoint: str, request: Any, answer: Any) -> Iterator[Sent]:
    """The messages that a call of `endpoint` sent, from its request and the API's answer to it.

    A call that sends nothing to read (a chat action, a reaction) yields none, an album one for each part.
    """
    is_edit = endpoint in _EDITING
    if not is_edit and not endpoint.startswith(_SENDING):
        return
    for one in answer if isinstance(answer, list | tuple) else [answer]:
        # An edited inline message and a method answered inside a webhook have no message to show.
        if _get(one, "message_id") is None and not is_edit:
            continue
        yield _sent_message(request, one, is_edit)


def requested(request: Any) -> Sent:
    """A message that left without an answer to read it from, as in the response to a webhook."""
    return _sent_message(request, None, is_edit=False)


def _received_message(message: Any, is_edit: bool) -> Received | None:
    text = _content(message)
    if text is None:
        return None
    sender = _get(message, "from_user") or _get(message, "from")
    chat = _get(message, "chat")
    author = sender or _get(message, "sender_chat") or chat
    return Received(
        text=text,
        user_id=_identity(author),
        user_name=_full_name(author),
        chat_id=_identity(chat),
        channel=_channel(chat),
        sent_at=_unix(_get(message, "edit_date") if is_edit else _get(message, "date")),
        attributes={"edited": True} if is_edit else {},
    )


def _received_press(press: Any) -> Received:
    """A pressed button. Its message is the bot's and older, so nothing tells since when the user waits."""
    sender = _get(press, "from_user") or _get(press, "from")
    chat = _get(_get(press, "message"), "chat")
    return Received(
        text=str(_get(press, "data") or _get(press, "game_short_name") or ""),
        user_id=_identity(sender),
        user_name=_full_name(sender),
        chat_id=_identity(chat) or _identity(sender),
        channel=_channel(chat),
        sent_at=None,
        attributes={"button": True},
    )


def _sent_message(request: Any, message: Any, is_edit: bool) -> Sent:
    chat = _get(message, "chat")
    chat_id = _identity(chat) or _text(_get(request, "chat_id"))
    return Sent(
        text=_content(message) or _content(request) or "[message]",
        chat_id=chat_id,
        channel=_channel(chat) or chat_id,
        user_name=_full_name(chat),
        # Users have positive ids, groups and channels negative ones.
        is_private=bool(chat_id and chat_id.isdigit()),
        is_edit=is_edit,
    )


def _content(message: Any) -> str | None:
    for name in ("text", "caption"):
        text = _get(message, name)
        if isinstance(text, str) and text:
            return text
    return next((f"[{name}]" for name in _CONTENTS if _get(message, name)), None)


def _channel(chat: Any) -> str | None:
    return _text(_get(chat, "title")) or _identity(chat)


def _full_name(person: Any) -> str | None:
    names = (_text(_get(person, "first_name")), _text(_get(person, "last_name")))
    full = " ".join(name for name in names if name)
    return full or _text(_get(person, "title")) or _text(_get(person, "username"))


def _identity(thing: Any) -> str | None:
    return _text(_get(thing, "id"))


def _text(value: Any) -> str | None:
    # Frameworks mark a missing option by objects of their own.
    return str(value) if isinstance(value, str | int) and value != "" else None


def _unix(moment: Any) -> float | None:
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else None


def _get(thing: Any, name: str) -> Any:
    if isinstance(thing, Mapping):
        return thing.get(name)
    return getattr(thing, name, None)
