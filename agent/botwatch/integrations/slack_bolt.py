"""slack-bolt: watches an `App` or `AsyncApp` by a middleware of it and the `api_call` of its clients.

Bolt runs listeners in threads that know nothing of the request's context, so the turn goes along with the
request's own client, `respond` and `ack`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slack_bolt import App
from slack_bolt.error import BoltUnhandledRequestError

from .chat_watch import ChatWatch
from .guard import unharmed
from .messages import Received, Sent
from .slack_names import SlackNames
from .turns import Turn, begin
from .webhook_providers import PROVIDERS

if TYPE_CHECKING:
    from botwatch import Agent

Json = Mapping[str, Any]
Read = Callable[[tuple[Any, ...], Json, Any], Iterator[Sent]]

_SENDING = ("chat.postMessage", "chat.postEphemeral", "chat.meMessage", "chat.update", "chat.stopStream")


def attach(app: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch a `slack_bolt.App` or `AsyncApp`, over HTTP or Socket Mode; attaching it again changes nothing.

    `edits`: whether a text the bot changes (`chat.update`) counts as one more message.
    """
    is_async = not isinstance(app, App)
    if is_async and not hasattr(app, "async_dispatch"):
        raise TypeError("attach() takes a slack_bolt.App or slack_bolt.async_app.AsyncApp")
    if isinstance(app.client.api_call, Watched):
        return
    watch = WatchRequests(app, ChatWatch(agent, with_edits=edits), WatchedAsync if is_async else Watched)
    watch.watch_calls(app.client, None)
    app.middleware(watch.async_middleware if is_async else watch.middleware)


class Watched:
    """Stands before one of Bolt's callables, which sends; it is what it was in every other way."""

    def __init__(self, inner: Any, watch: ChatWatch, read: Read, turn: Turn | None) -> None:
        self._inner = inner
        self._watch = watch
        self._read = read
        self._turn = turn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        answer = self._inner(*args, **kwargs)
        self._watch.sent(self._read, args, kwargs, answer, turn=self._turn)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)


class WatchedAsync(Watched):
    """The same for what is awaited."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        answer = await self._inner(*args, **kwargs)
        self._watch.sent(self._read, args, kwargs, answer, turn=self._turn)
        return answer


class WatchRequests:
    """The middleware: opens a turn for every request that Bolt has verified."""

    def __init__(self, app: Any, watch: ChatWatch, watched: type[Watched]) -> None:
        self._app = app
        self._watch = watch
        self._watched = watched
        self._names = SlackNames()

    def middleware(self, body: Any, context: Any, next: Callable[[], Any]) -> Any:
        self._begin(body, context)
        return next()

    async def async_middleware(self, body: Any, context: Any, next: Callable[[], Awaitable[Any]]) -> Any:
        self._begin(body, context)
        return await next()

    def watch_calls(self, client: Any, turn: Turn | None) -> None:
        if not isinstance(client.api_call, Watched):
            client.api_call = self._watched(client.api_call, self._watch, self._called, turn)

    def _begin(self, body: Any, context: Any) -> None:
        turn = self._watch.received(self._read, body)
        begin(turn)
        with unharmed("a request's context"):
            context["botwatch_turn"] = turn
            self.watch_calls(context.client, turn)
            context["respond"] = self._watched(context.respond, self._watch, self._responded, turn)
            if "command" in body:
                context["ack"] = self._watched(context.ack, self._watch, self._responded, turn)
            self._watch_errors()

    def _watch_errors(self) -> None:
        """By the handler that is there now: `app.error` may have set it after the app was attached."""
        runner = self._app.listener_runner
        if not isinstance(runner.listener_error_handler, WatchErrors):
            runner.listener_error_handler = WatchErrors(self._watch, runner.listener_error_handler)

    def _read(self, body: Json) -> Received | None:
        self._names.learn(body.get("user"))
        message = next(PROVIDERS["slack"].messages(body), None) or _interaction(body)
        return message and self._names.named(message)

    def _called(self, args: tuple[Any, ...], kwargs: Json, answer: Any) -> Iterator[Sent]:
        method = kwargs.get("api_method") or args[0]
        if method == "users.info":
            self._names.learn(answer.get("user"))
        if method not in _SENDING:
            return
        request = kwargs.get("json") or kwargs.get("data") or kwargs.get("params") or {}
        asked, channel = str(request.get("channel", "")), answer.get("channel") or request.get("channel")
        # A message to a user's id opens the direct channel with them.
        user_id = request.get("user") or (asked if asked.startswith(("U", "W")) else None)
        yield Sent(
            text=(answer.get("message") or {}).get("text") or _text(request),
            chat_id=channel,
            channel=channel,
            user_id=user_id,
            user_name=self._names.of(user_id),
            is_edit=method == "chat.update",
        )

    def _responded(self, args: tuple[Any, ...], kwargs: Json, _answer: Any) -> Iterator[Sent]:
        whole = args[0] if args and isinstance(args[0], dict) else {"text": args[0] if args else "", **kwargs}
        whole = {**whole, **whole["text"]} if isinstance(whole.get("text"), dict) else whole
        if any(whole.get(part) for part in ("text", "blocks", "attachments")):
            yield Sent(_text(whole), None, is_answer=True, is_edit=bool(whole.get("replace_original")))


class WatchErrors:
    """Stands before the handler that Bolt tells a listener's error to."""

    def __init__(self, watch: ChatWatch, handler: Any) -> None:
        self._watch = watch
        self._handler = handler

    def handle(self, error: Exception, request: Any, response: Any) -> Any:
        """What the handler returns: nothing, or for an `AsyncApp` what Bolt awaits."""
        if not isinstance(error, BoltUnhandledRequestError):
            self._watch.failed(error, turn=request.context.get("botwatch_turn"))
        return self._handler.handle(error=error, request=request, response=response)


def _interaction(body: Json) -> Received | None:
    """A pressed button, a chosen option, a form, a shortcut."""
    user, channel = body.get("user") or {}, (body.get("channel") or {}).get("id")
    actions = body.get("actions") or [{}]
    named = actions[0].get("action_id") or body.get("callback_id")
    named = named or (body.get("view") or {}).get("callback_id")
    if body.get("type") not in _INTERACTIONS or not user.get("id"):
        return None
    return Received(
        text=str(actions[0].get("value") or named or ""),
        user_id=user["id"],
        user_name=None,
        chat_id=channel or user["id"],
        channel=channel,
        sent_at=float(actions[0]["action_ts"]) if actions[0].get("action_ts") else None,
        attributes={"button": True},
        id=f"slack:{body['trigger_id']}" if body.get("trigger_id") else None,
    )


_INTERACTIONS = ("block_actions", "interactive_message", "view_submission", "shortcut", "message_action")


def _text(message: Json) -> str:
    text = message.get("text") or message.get("markdown_text")
    return text if isinstance(text, str) and text else "[blocks]"
