"""Any WSGI app: a middleware that opens a turn around each request, until its response is closed.

Within a request whatever the app records knows its times; with a secret, the webhook's messages and answers
are recorded too. The app gets every byte of its body, and its outcome never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .guard import unharmed
from .request_body import READ_AHEAD_BYTES, peek
from .turns import Turn, begin
from .web_requests import WebRequests, paths_watched

if TYPE_CHECKING:
    from botwatch import Agent
    from botwatch.handling import Handling

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


def attach(app: Any, agent: Agent, **options: Any) -> WsgiWatch:
    """The app to serve from now on. `path`, `secret` and `provider` as for Flask, all optional.

    Again for the same path changes nothing.
    """
    watch = WebRequests(agent, **options)
    return app if watch.path in paths_watched(app, WsgiWatch) else WsgiWatch(app, watch)


class WsgiWatch:
    """The middleware."""

    def __init__(self, app: App, watch: WebRequests) -> None:
        self.app = app
        self.watch = watch

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if not self.watch.is_watched(method, path):
            return self.app(environ, start_response)
        turn = self._turn(method, environ)
        # Pages and streams GET.
        handling = self.watch.agent.handling(turn and turn.user_id, may_last=method == "GET")
        response = _Response(self.watch, turn, handling, start_response)
        begin(turn or Turn())
        response.handle(self.app, environ)
        return response

    def _turn(self, method: str, environ: Environ) -> Turn | None:
        if self.watch.webhook is None:
            return self.watch.begun(method)
        body = None
        with unharmed("a webhook's body"):
            body = peek(environ)
        return self.watch.received(_Headers(environ), body, environ.get("CONTENT_TYPE", ""))


class _Headers:
    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def get(self, key: str, default: str, /) -> str:
        value: str = self._environ.get("HTTP_" + key.upper().replace("-", "_"), default)
        return value


class _Response:
    """The app's response, passed on: its end is the end of the request."""

    def __init__(
        self, watch: WebRequests, turn: Turn | None, handling: Handling, start_response: StartResponse
    ) -> None:
        self._watch, self._turn, self._start_response = watch, turn, start_response
        self._handling = handling
        self._status, self._content_type, self._body = 500, "", b""
        self._parts: Iterable[bytes] = ()

    def handle(self, app: App, environ: Environ) -> None:
        self._handling.__enter__()
        try:
            self._parts = app(environ, self._start)
        except BaseException as error:
            self._end(error)
            raise

    def _start(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        # What streams from here on may take its time.
        self._watch.agent.watched.end(self._handling)
        with unharmed("a webhook's response"):
            self._status = int(status.partition(" ")[0])
            self._content_type = {name.lower(): value for name, value in headers}.get("content-type", "")
        return self._start_response(status, headers, *error)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._parts:
                # What is longer than this is no answer of a bot.
                if self._watch.webhook and len(self._body) <= READ_AHEAD_BYTES:
                    self._body += part
                yield part
        except Exception as error:
            self._end(error)
            raise
        with unharmed("a webhook's response"):
            if self._watch.webhook and self._turn and len(self._body) <= READ_AHEAD_BYTES:
                self._watch.webhook.answered(self._turn, self._status, self._content_type, self._body)

    def close(self) -> None:
        try:
            close = getattr(self._parts, "close", None)
            if close:
                close()
        finally:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        self._handling.__exit__(None if error is None else type(error), error, None)
        begin(None)
