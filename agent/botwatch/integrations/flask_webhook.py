"""Flask webhook bots: watches an app through Flask's signals, and believes only what is rightly signed.

The app's own outcome never changes: it reads its body, checks its signatures and answers as before. Times
count from the start of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import (
    Flask,
    Response,
    got_request_exception,
    request,
    request_finished,
    request_started,
    request_tearing_down,
)

from . import bot_api
from .guard import unharmed
from .messages import Sent, record_received, record_sent
from .request_body import peek
from .turns import Turn, begin, current_turn
from .webhook_providers import Extractor, payload_of, provider_for

if TYPE_CHECKING:
    from botwatch import Agent


def attach(
    app: Any,
    agent: Agent,
    *,
    secret: str | bytes,
    path: str = "/webhook",
    provider: str | Extractor = "messenger",
) -> WebhookWatch:
    """Watch what is POSTed to `path` (a path or the route's rule); again for the same path changes nothing.

    `secret` is what requests are signed with: the app secret of Messenger, the secret_token of Telegram, the
    signing secret of Slack. `provider` is "messenger", "telegram", "slack" or a function from the decoded
    body to mappings with `text`, `user_id` and, where known, `user_name`, `channel`, `id` and `sent_at` (unix
    seconds); its requests carry X-Hub-Signature-256.
    """
    if not isinstance(app, Flask):
        raise TypeError("attach() takes a flask.Flask")
    if not secret:
        raise ValueError("secret: expected what the webhook's requests are signed with, got nothing")
    watches: dict[str, WebhookWatch] = app.extensions.setdefault("botwatch", {})
    if path in watches:
        return watches[path]
    key = secret.encode() if isinstance(secret, str) else secret
    watch = watches[path] = WebhookWatch(agent, key, path, provider)
    for signal, receiver in (
        (request_started, watch.started),
        (request_finished, watch.finished),
        (got_request_exception, watch.failed),
        (request_tearing_down, watch.ended),
    ):
        signal.connect(receiver, sender=app, weak=False)
    return watch


class WebhookWatch:
    """One watched path of an app."""

    def __init__(self, agent: Agent, secret: bytes, path: str, provider: str | Extractor) -> None:
        self._agent = agent
        self._secret = secret
        self._path = path
        self._provider = provider_for(provider)

    def reply(self, text: str, user_id: str | None = None) -> None:
        """Record an answer that the view has sent by ways of its own, to the user who wrote or another."""
        with unharmed("a reply"):
            self._sent(text, current_turn() or Turn(), user_id)

    def started(self, _app: Flask, **_: Any) -> None:
        with unharmed("a webhook's request"):
            if request.method == "POST" and self._path in (request.path, str(request.url_rule)):
                self._receive()

    def finished(self, _app: Flask, response: Response, **_: Any) -> None:
        with unharmed("a webhook's response"):
            turn = current_turn()
            if turn and not turn.is_answered and response.is_json and response.status_code < 300:
                text = None if response.is_streamed else _text_of(response.get_json(silent=True))
                if text is not None:
                    self._sent(text, turn, None)

    def failed(self, _app: Flask, exception: BaseException, **_: Any) -> None:
        with unharmed("a webhook's error"):
            turn = current_turn()
            if turn:
                self._agent.handler_failed(exception, user_id=turn.user_id, duration_ms=turn.response_ms())

    def ended(self, _app: Flask, **_: Any) -> None:
        self._agent.watched.end(id(current_turn()))
        begin(None)

    def _receive(self) -> None:
        body = peek(request.environ)
        if body is None:
            return
        if not self._provider.is_genuine(request.headers, body, self._secret):
            self._agent.request_forged()
            return
        self._agent.update_seen()
        messages = list(self._provider.messages(payload_of(body, request.content_type or "")))
        turns = [record_received(self._agent, message) for message in messages]
        if turns:
            turn = _joined(turns)
            begin(turn)
            self._agent.watched.begin(id(turn))

    def _sent(self, text: str, turn: Turn, user_id: str | None) -> None:
        chat = user_id or turn.user_id or next(iter(turn.chats), None)
        record_sent(self._agent, Sent(text, chat, is_private=user_id is not None), turn)


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
