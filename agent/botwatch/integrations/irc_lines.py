"""Reads what is said on IRC, whatever framework hands it over."""

from __future__ import annotations

from .messages import Received, Sent

SAYING = ("PRIVMSG", "NOTICE")
_CHANNELS = ("#", "!")
# In front of a channel they address a part of it: "@#kitchen" its operators.
_PARTS = "~&@%+"


def received(nick: str, target: str, text: str, sent_at: float | None) -> Received | None:
    """A message to a channel or to the bot, None for a client's question (VERSION, PING)."""
    words = _words(text)
    if words is None:
        return None
    channel = _channel(target)
    return Received(words, nick, nick, chat_id=channel or nick, channel=channel, sent_at=sent_at)


def sent(target: str, text: str) -> Sent | None:
    """A message of the bot, None for its answer to a client's question."""
    words = _words(text)
    if words is None:
        return None
    channel = _channel(target)
    if channel:
        return Sent(words, channel, channel)
    return Sent(words, target, user_name=target, is_private=True)


def _words(text: str) -> str | None:
    if not text.startswith("\x01"):
        return text
    kind, _, rest = text.strip("\x01").partition(" ")
    return f"/me {rest}" if kind == "ACTION" else None


def _channel(target: str) -> str | None:
    name = target.lstrip(_PARTS)
    return name if name.startswith(_CHANNELS) else None
