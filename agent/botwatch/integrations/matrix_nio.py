"""matrix-nio: watches an `AsyncClient` by an event callback before all others, and by `room_send`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nio import (
    AsyncClient,
    MatrixRoom,
    RoomEncryptedMedia,
    RoomMessageEmote,
    RoomMessageMedia,
    RoomMessageText,
    RoomSendResponse,
)

from .chat_watch import ChatWatch
from .guard import unharmed
from .messages import Received, Sent
from .turns import begin

if TYPE_CHECKING:
    from botwatch import Agent

Json = Mapping[str, Any]

# What people say; notices are, by the specification, what bots say.
_SAID = (RoomMessageText, RoomMessageEmote, RoomMessageMedia, RoomEncryptedMedia)


def attach(client: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch a `nio.AsyncClient`; attaching it again changes nothing.

    `edits`: whether a message the bot replaces counts as one more message.
    """
    if not isinstance(client, AsyncClient):
        raise TypeError("attach() takes a nio.AsyncClient")
    if isinstance(client.room_send, WatchSending):
        return
    watch = ChatWatch(agent, with_edits=edits)
    client.room_send = WatchSending(client, watch)
    client.add_event_callback(WatchEvents(client, watch), None)
    client.event_callbacks.insert(0, client.event_callbacks.pop())


class WatchEvents:
    """An event callback: begins a turn with every event, for the callbacks after it."""

    def __init__(self, client: AsyncClient, watch: ChatWatch) -> None:
        self._client = client
        self._watch = watch

    def __call__(self, room: MatrixRoom, event: Any) -> None:
        begin(self._watch.received(self._read, room, event))
        with unharmed("the callbacks"):
            for callback in self._client.event_callbacks:
                if not isinstance(callback.func, WatchEvents | WatchCallback):
                    callback.func = WatchCallback(self._watch, callback.func)

    def _read(self, room: MatrixRoom, event: Any) -> Received | None:
        # What the bot sends comes back as an event too.
        if event.sender == self._client.user_id or not isinstance(event, _SAID):
            return None
        content = event.source.get("content", {})
        return Received(
            text=_text(content),
            user_id=event.sender,
            user_name=room.user_name(event.sender) or event.sender,
            chat_id=room.room_id,
            channel=room.display_name,
            sent_at=event.server_timestamp / 1000,
            attributes={"edited": True} if _replaces(content) else {},
            id=f"matrix:{event.event_id}",
        )


class WatchCallback:
    """Stands before a callback of the bot, and tells what it raises. That goes on to `sync_forever`."""

    def __init__(self, watch: ChatWatch, callback: Callable[..., Any]) -> None:
        self._watch = watch
        self._callback = callback

    async def __call__(self, *args: Any) -> None:
        try:
            result = self._callback(*args)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            self._watch.failed(error)
            raise


class WatchSending:
    """Stands before `room_send`."""

    def __init__(self, client: AsyncClient, watch: ChatWatch) -> None:
        self._client = client
        self._send = client.room_send
        self._watch = watch

    async def __call__(
        self, room_id: str, message_type: str, content: dict[Any, Any], *args: Any, **kwargs: Any
    ) -> Any:
        answer = await self._send(room_id, message_type, content, *args, **kwargs)
        if isinstance(answer, RoomSendResponse) and message_type in ("m.room.message", "m.sticker"):
            self._watch.sent(self._read, room_id, content)
        return answer

    def _read(self, room_id: str, content: Json) -> Iterator[Sent]:
        room = self._client.rooms.get(room_id)
        others = [user for user in room.users if user != self._client.user_id] if room else []
        reader = others[0] if len(others) == 1 else None
        yield Sent(
            text=_text(content),
            chat_id=room_id,
            channel=room.display_name if room else room_id,
            user_id=reader,
            user_name=room.user_name(reader) if room and reader else None,
            is_edit=_replaces(content),
        )


def _replaces(content: Json) -> bool:
    return bool((content.get("m.relates_to") or {}).get("rel_type") == "m.replace")


def _text(content: Json) -> str:
    content = content.get("m.new_content") or content
    kind = str(content.get("msgtype", "m.sticker")).removeprefix("m.")
    return str(content.get("body", "")) if kind in ("text", "emote", "notice") else f"[{kind}]"
