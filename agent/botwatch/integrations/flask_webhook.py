"""Flask webhook bots: watches an app through Flask's signals.

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

from .guard import unharmed
from .request_body import peek
from .turns import begin, current_turn
from .webhook import Webhook
from .webhook_providers import Extractor

if TYPE_CHECKING:
    from botwatch import Agent


def attach(
    app: Any,
    agent: Agent,
    *,
    secret: str | bytes,
    path: str = "/webhook",
    provider: str | Extractor = "messenger",
) -> Webhook:
    """Watch what is POSTed to `path` (a path or the route's rule); again for the same path changes nothing.

    `secret` is what requests are signed with: the app secret of Messenger, the secret_token of Telegram, the
    signing secret of Slack. `provider` is "messenger", "telegram", "slack" or a function from the decoded
    body to mappings with `text`, `user_id` and, where known, `user_name`, `channel`, `id` and `sent_at` (unix
    seconds); its requests carry X-Hub-Signature-256.
    """
    if not isinstance(app, Flask):
        raise TypeError("attach() takes a flask.Flask")
    webhook = Webhook(agent, secret, path, provider)
    watches: dict[str, WebhookWatch] = app.extensions.setdefault("botwatch", {})
    if path not in watches:
        watches[path] = watch = WebhookWatch(webhook)
        for signal, receiver in (
            (request_started, watch.started),
            (request_finished, watch.finished),
            (got_request_exception, watch.failed),
            (request_tearing_down, watch.ended),
        ):
            signal.connect(receiver, sender=app, weak=False)
    return watches[path].webhook


class WebhookWatch:
    """One watched path of an app."""

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self._agent = webhook.agent

    def started(self, _app: Flask, **_: Any) -> None:
        with unharmed("a webhook's request"):
            if request.method == "POST" and self.webhook.path in (request.path, str(request.url_rule)):
                self._receive()

    def finished(self, _app: Flask, response: Response, **_: Any) -> None:
        with unharmed("a webhook's response"):
            turn = current_turn()
            if turn and not response.is_streamed:
                body = response.get_data()
                self.webhook.answered(turn, response.status_code, response.content_type or "", body)

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
        turn = body and self.webhook.received(request.headers, body, request.content_type or "")
        if turn:
            begin(turn)
            self._agent.watched.begin(id(turn))
