"""A webhook, whatever serves it: believes only what is rightly signed, and reads answers out of responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import bot_api
from .guard import unharmed
from .messages import Sent, record_received, record_sent
from .turns import Turn, current_turn
from .webhook_providers import Extractor, Headers, payload_of, provider_for

if TYPE_CHECKING:
    from botwatch import Agent


class Webhook:
    """What is POSTed to one path of an app."""

    def __init__(self, agent: Agent, secret: str | bytes, path: str, provider: str | Extractor) -> None:
        if not secret:
            raise ValueError("secret: expected what the webhook's requests are signed with, got nothing")
        self.agent = agent
        self.path = path
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._provider = provider_for(provider)

    def reply(self, text: str, user_id: str | None = None) -> None:
        """Record an answer that the view has sent by ways of its own, to the user who wrote or another."""
        with unharmed("a reply"):
            self._sent(text, current_turn() or Turn(), user_id)

    def received(self, headers: Headers, body: bytes, content_type: str) -> Turn | None:
        """The turn to answer the request's messages in, None when it has none and when it is forged."""
        if not self._provider.is_genuine(headers, body, self._secret):
            self.agent.request_forged()
            return None
        self.agent.update_seen()
        messages = list(self._provider.messages(payload_of(body, content_type)))
        turns = [record_received(self.agent, message) for message in messages]
        return _joined(turns) if turns else None

    def answered(self, turn: Turn, status: int, content_type: str, body: bytes) -> None:
        """Record the answer in a response, unless the view has sent or told one."""
        kind = content_type.partition(";")[0].strip().lower()
        if turn.is_answered or status >= 300 or not (kind == "application/json" or kind.endswith("+json")):
            return
        text = _text_of(json.loads(body))
        if text is not None:
            self._sent(text, turn, None)

    def _sent(self, text: str, turn: Turn, user_id: str | None) -> None:
        chat = user_id or turn.user_id or next(iter(turn.chats), None)
        record_sent(self.agent, Sent(text, chat, is_private=user_id is not None), turn)


def _joined(turns: list[Turn]) -> Turn:
    """One request is one turn; of several messages in it, the oldest has waited longest."""
    first, users = turns[0], {turn.user_id for turn in turns}
    return Turn(
        user_id=first.user_id if len(users) == 1 else None,
        user_name=first.user_name if len(users) == 1 else None,
        channel=first.channel,
        chats=frozenset().union(*(turn.chats for turn in turns)),
        sent_at=min((turn.sent_at for turn in turns if turn.sent_at is not None), default=None),
    )


def _text_of(answer: Any) -> str | None:
    """The text of a JSON answer: a call of the Bot API, or what stands under `text` or `reply`."""
    if not isinstance(answer, dict):
        return None
    if str(answer.get("method", "")).startswith("send"):
        return bot_api.requested(answer).text
    text = answer.get("text") or answer.get("reply")
    return text if isinstance(text, str) else None
