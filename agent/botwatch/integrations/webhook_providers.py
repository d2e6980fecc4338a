"""What differs between the platforms that call a webhook: how they sign, what their messages look like.

Sources: Meta "Webhooks from Meta: validate payloads"; Telegram Bot API `setWebhook`, secret_token; Slack
"Verifying requests from Slack".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qs

from . import bot_api
from .messages import Received


class Headers(Protocol):
    """A request's headers, found whatever the case of their names."""

    def get(self, key: str, default: str, /) -> str: ...


Extractor = Callable[[Any], Iterable[Mapping[str, Any]]]

_SLACK_TOLERANCE_S = 300
_SLACK_MESSAGES = ("message", "app_mention")
# Of Slack's message subtypes those by which a person says something; others report edits, joins, topics.
_SLACK_SAID = (None, "file_share", "thread_broadcast", "me_message")


@dataclass(frozen=True, slots=True)
class Provider:
    """`is_genuine(headers, body, secret)` comes before anything is read; `messages(payload)` are people's."""

    is_genuine: Callable[[Headers, bytes, bytes], bool]
    messages: Callable[[Any], Iterator[Received]]


def provider_for(chosen: str | Extractor) -> Provider:
    """A provider by name, or one that reads messages by a function and is signed as GitHub and Meta sign."""
    if callable(chosen):
        return Provider(_signed_by_meta, _extracted(chosen))
    if chosen not in PROVIDERS:
        raise ValueError(f"provider: expected {', '.join(PROVIDERS)} or a function, got {chosen!r}")
    return PROVIDERS[chosen]


def payload_of(body: bytes, content_type: str) -> Any:
    """The decoded body: JSON, or a form's fields (Slack's commands)."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return json.loads(body)


def _signed_by_meta(headers: Headers, body: bytes, secret: bytes) -> bool:
    return _same(headers.get("X-Hub-Signature-256", ""), "sha256=" + _hmac(secret, body))


def _signed_by_telegram(headers: Headers, _body: bytes, secret: bytes) -> bool:
    return _same(headers.get("X-Telegram-Bot-Api-Secret-Token", ""), secret)


def _signed_by_slack(headers: Headers, body: bytes, secret: bytes) -> bool:
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or abs(time.time() - int(stamp)) > _SLACK_TOLERANCE_S:
        return False
    signed = b"v0:%s:%s" % (stamp.encode(), body)
    return _same(headers.get("X-Slack-Signature", ""), "v0=" + _hmac(secret, signed))


def _hmac(secret: bytes, content: bytes) -> str:
    return hmac.new(secret, content, hashlib.sha256).hexdigest()


def _same(given: str, expected: str | bytes) -> bool:
    expected = expected.encode() if isinstance(expected, str) else expected
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected)


def _messenger_messages(payload: Any) -> Iterator[Received]:
    for entry in payload.get("entry", ()):
        for event in entry.get("messaging", ()):
            message, press = event.get("message"), event.get("postback")
            # The page's own messages come back as echoes.
            if message and not message.get("is_echo"):
                yield _from_messenger(event, _messenger_text(message), message.get("mid"))
            elif press:
                yield _from_messenger(event, press.get("title") or press.get("payload"), press.get("mid"))


def _messenger_text(message: Mapping[str, Any]) -> str:
    if message.get("text"):
        return str(message["text"])
    attached = message.get("attachments") or [{}]
    return f"[{attached[0].get('type', 'message')}]"


def _from_messenger(event: Mapping[str, Any], text: str | None, mid: str | None) -> Received:
    sender, stamp = str(event["sender"]["id"]), event.get("timestamp")
    return Received(
        text=text or "",
        user_id=sender,
        user_name=None,
        chat_id=sender,
        channel=_text(event.get("recipient", {}).get("id")),
        sent_at=stamp / 1000 if stamp else None,
        id=f"messenger:{mid}:{stamp}" if mid else None,
    )


def _telegram_messages(payload: Any) -> Iterator[Received]:
    message = bot_api.received(payload)
    if message:
        numbers = (payload.get("update_id"), message.chat_id, message.sent_at)
        yield replace(message, id="telegram:" + ":".join(str(number) for number in numbers))


def _slack_messages(payload: Any) -> Iterator[Received]:
    if "command" in payload:
        yield _slack_command(payload)
    event = payload.get("event") or {}
    is_said = event.get("type") in _SLACK_MESSAGES and event.get("subtype") in _SLACK_SAID
    if is_said and event.get("user") and not event.get("bot_id"):
        # A mention arrives as two events, and again until it is answered; channel and ts name the message.
        channel, stamp = event.get("channel"), event.get("ts")
        yield Received(
            text=event.get("text") or "[file]",
            user_id=event["user"],
            user_name=None,
            chat_id=channel,
            channel=channel,
            sent_at=float(stamp) if stamp else None,
            id=f"slack:{payload.get('team_id')}:{channel}:{stamp}" if stamp else None,
        )


def _slack_command(form: Mapping[str, str]) -> Received:
    return Received(
        text=f"{form['command']} {form.get('text', '')}".strip(),
        user_id=form.get("user_id"),
        user_name=form.get("user_name"),
        chat_id=form.get("channel_id"),
        channel=form.get("channel_name") or form.get("channel_id"),
        sent_at=None,
        id=f"slack:{form['trigger_id']}" if form.get("trigger_id") else None,
    )


def _extracted(extractor: Extractor) -> Callable[[Any], Iterator[Received]]:
    def messages(payload: Any) -> Iterator[Received]:
        for found in extractor(payload):
            user_id = _text(found.get("user_id"))
            yield Received(
                text=str(found.get("text", "")),
                user_id=user_id,
                user_name=_text(found.get("user_name")),
                chat_id=user_id,
                channel=_text(found.get("channel")),
                sent_at=found.get("sent_at"),
                id=_text(found.get("id")),
            )

    return messages


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


PROVIDERS = {
    "messenger": Provider(_signed_by_meta, _messenger_messages),
    "telegram": Provider(_signed_by_telegram, _telegram_messages),
    "slack": Provider(_signed_by_slack, _slack_messages),
}
