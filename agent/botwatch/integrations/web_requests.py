"""What the middlewares of web apps share: which requests are a bot's updates, and the turn of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .guard import unharmed
from .turns import Turn
from .webhook import Webhook
from .webhook_providers import Extractor, Headers

if TYPE_CHECKING:
    from botwatch import Agent


def paths_watched(app: Any, middleware: type[Any]) -> set[str | None]:
    """By the middlewares that `app` is wrapped in already."""
    paths = set()
    while isinstance(app, middleware):
        paths.add(app.watch.path)
        app = app.app
    return paths


class WebRequests:
    """`path`: the only one that is watched, or None for all of them. `webhook`: None without a secret."""

    def __init__(
        self,
        agent: Agent,
        *,
        path: str | None = None,
        secret: str | bytes | None = None,
        provider: str | Extractor = "messenger",
    ) -> None:
        """As the attach() of flask_webhook; without `secret` the app records its messages itself."""
        self.agent = agent
        self.path = path if secret is None else path or "/webhook"
        self.webhook = None if secret is None else Webhook(agent, secret, self.path or "", provider)

    def is_watched(self, method: str, path: str) -> bool:
        return self.path in (None, path) and (self.webhook is None or method == "POST")

    def begun(self, method: str) -> Turn:
        """Of a request whose body is not read. Health checks and pages are no updates: they GET."""
        with unharmed("a request"):
            if method == "POST":
                self.agent.update_seen()
        return Turn()

    def received(self, headers: Headers, body: bytes | None, content_type: str) -> Turn | None:
        """Of a webhook's request; None when it is not recorded, being forged, too long or no message."""
        with unharmed("a webhook's request"):
            if self.webhook and body is not None:
                return self.webhook.received(headers, body, content_type)
        return None
