"""Any ASGI app, FastAPI and Starlette among them: a middleware that opens a turn around each request.

Within a request whatever the app records knows its times; with a secret, the webhook's messages and answers
are recorded too. The app gets every byte of its body, and its outcome never changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from .guard import unharmed
from .request_body import READ_AHEAD_BYTES
from .turns import Turn, in_turn
from .web_requests import WebRequests, paths_watched

if TYPE_CHECKING:
    from botwatch import Agent
    from botwatch.handling import Handling

    from .webhook import Webhook

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def attach(app: Any, agent: Agent, **options: Any) -> Any:
    """Watch an app by its own list of middlewares, where it has one; the app to serve from now on.

    `path`, `secret` and `provider` as for Flask, all optional. Again for the same path changes nothing.
    """
    watch = WebRequests(agent, **options)
    if not hasattr(app, "add_middleware") or not hasattr(app, "user_middleware"):
        return app if watch.path in paths_watched(app, AsgiWatch) else AsgiWatch(app, watch)
    if not any(watch.path == one.kwargs["watch"].path for one in app.user_middleware if one.cls is AsgiWatch):
        app.add_middleware(AsgiWatch, watch=watch)
    return app


class AsgiWatch:
    """The middleware."""

    def __init__(self, app: App, watch: WebRequests) -> None:
        self.app = app
        self.watch = watch

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.watch.is_watched(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        turn = None
        if self.watch.webhook is None:
            turn = self.watch.begun(scope["method"])
        else:
            body, receive = await _read_ahead(receive)
            headers = _Headers(scope["headers"])
            turn = self.watch.received(headers, body, headers.get("content-type", ""))
        # Who polls or listens to a stream GETs.
        handling = self.watch.agent.handling(turn and turn.user_id, may_last=scope["method"] == "GET")
        with in_turn(turn or Turn()), handling:
            await self.app(scope, receive, _Answer(self.watch, turn, handling, send))


class _Headers:
    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values = dict(pairs)

    def get(self, key: str, default: str, /) -> str:
        value = self._values.get(key.lower().encode())
        return default if value is None else value.decode("latin-1")


class _Answer:
    """Passes the response on and reads the answer in it, once it is sent."""

    def __init__(self, watch: WebRequests, turn: Turn | None, handling: Handling, send: Send) -> None:
        self._watch, self._turn, self._handling, self._send = watch, turn, handling, send
        self._status, self._content_type, self._body = 500, "", b""

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        with unharmed("a webhook's response"):
            if message["type"] == "http.response.start":
                # What streams from here on may take its time.
                self._watch.agent.watched.end(self._handling)
                self._status = message["status"]
                self._content_type = _Headers(message.get("headers", ())).get("content-type", "")
            elif message["type"] == "http.response.body" and self._watch.webhook and self._turn:
                self._add(message, self._watch.webhook, self._turn)

    def _add(self, message: Message, webhook: Webhook, turn: Turn) -> None:
        # What is longer than this is no answer of a bot.
        if len(self._body) <= READ_AHEAD_BYTES:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                webhook.answered(turn, self._status, self._content_type, self._body)


async def _read_ahead(receive: Receive) -> tuple[bytes | None, Receive]:
    """The body, None of one that is too long or breaks off, and what gives it to the app all the same."""
    messages: list[Message] = []
    size, has_more = 0, True
    while has_more and size <= READ_AHEAD_BYTES:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    is_whole = messages[-1]["type"] == "http.request" and not has_more and size <= READ_AHEAD_BYTES
    body = b"".join(message.get("body", b"") for message in messages) if is_whole else None

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, again
