"""Chainlit: watches an app where its Socket.IO server takes what users send and emits what the app says.

An app is a module, so the module `chainlit` itself is what to attach. Chainlit logs what handlers raise and
goes on, so errors are read from its log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .chat_watch import ChatWatch
from .guard import unharmed
from .messages import Received, Sent
from .turns import begin, current_turn

if TYPE_CHECKING:
    from botwatch import Agent

Json = Mapping[str, Any]

_SHOWN_LIMIT = 10_000


def attach(app: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch the app of the module `chainlit`; attaching it again changes nothing.

    `edits`: whether a message the app updates counts as one more message.
    """
    if getattr(app, "__name__", None) != "chainlit":
        raise TypeError("attach() takes the module chainlit")
    import chainlit.socket  # noqa: F401  (registers its handlers)
    from chainlit.server import sio
    from chainlit.session import WebsocketSession

    if isinstance(sio.emit, WatchEmit):
        return
    watch = WatchSocket(sio, ChatWatch(agent, with_edits=edits), WebsocketSession.get)
    for event, is_edit in (("client_message", False), ("edit_message", True)):
        sio.on(event, watch.incoming(sio.handlers["/"][event], is_edit))
    sio.emit = WatchEmit(sio.emit, watch)
    sio.call = watch.asking(sio.call)
    logging.getLogger("chainlit").addFilter(watch.heard)


class WatchSocket:
    """What the hooks of the one Socket.IO server have in common."""

    def __init__(self, sio: Any, watch: ChatWatch, find_session: Callable[[str], Any]) -> None:
        self._sio = sio
        self._watch = watch
        self._find_session = find_session
        self._shown: dict[str, str] = {}

    def incoming(self, handle: Callable[..., Awaitable[Any]], is_edit: bool) -> Callable[..., Awaitable[Any]]:
        async def watched(sid: str, payload: Any) -> Any:
            begin(self._watch.received(self._read, sid, payload["message"], is_edit))
            return await handle(sid, payload)

        return watched

    def asking(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Around what the app asks and waits for: the question is sent, the answer a user's message."""

        async def watched(event: str, data: Any = None, to: str | None = None, **options: Any) -> Any:
            if event == "ask":
                self._watch.sent(self.shown, to, data.get("msg"))
            answer = await call(event, data, to=to, **options)
            if event == "ask" and isinstance(answer, Mapping) and "output" in answer:
                begin(self._watch.received(self._read, to, answer, False))
            return answer

        return watched

    def emitted(self, event: str, data: Any, sid: str | None) -> None:
        if event in ("new_message", "update_message"):
            self._watch.sent(self.shown, sid, data)

    def shown(self, sid: str, step: Json) -> Iterator[Sent]:
        """A text that the user gets to read. A message streamed into an empty one shows by its update."""
        text, number = str(step.get("output") or ""), str(step["id"])
        before = self._shown.get(number)
        if step.get("type") != "assistant_message" or not text or text == before:
            return
        self._shown[number] = text
        if len(self._shown) > _SHOWN_LIMIT:
            del self._shown[next(iter(self._shown))]
        user_id, name, channel = self._user(sid)
        yield Sent(text, user_id, channel, name, is_private=True, is_edit=before is not None)

    def heard(self, record: logging.LogRecord) -> bool:
        """A filter of Chainlit's logger, which lets everything pass. The first handler there would silence
        what Python prints where nobody has set up logging.
        """
        if record.exc_info and current_turn() is not None:
            self._watch.failed(record.exc_info[1])
        return True

    def _read(self, sid: str, message: Json, is_edit: bool) -> Received:
        user_id, name, channel = self._user(sid)
        return Received(
            text=str(message.get("output") or "[file]"),
            user_id=user_id,
            user_name=name,
            chat_id=user_id,
            channel=channel,
            # As Chainlit does, for the time in it is the browser's.
            sent_at=time.time(),
            attributes={"edited": True} if is_edit else {},
        )

    def _user(self, sid: str) -> tuple[str, str | None, str]:
        """Who is there: a login's identifier, or else the browser's session."""
        session = self._find_session(sid)
        user, channel = session.user, session.chat_profile or session.client_type
        if user is None:
            return session.id, None, channel
        return user.identifier, user.display_name or user.identifier, channel


class WatchEmit:
    """Stands before the server's `emit`."""

    def __init__(self, emit: Callable[..., Awaitable[Any]], watch: WatchSocket) -> None:
        self._emit = emit
        self._watch = watch

    async def __call__(self, event: str, data: Any = None, to: str | None = None, **options: Any) -> Any:
        answer = await self._emit(event, data, to=to, **options)
        with unharmed("an emitted message"):
            self._watch.emitted(event, data, to)
        return answer
