"""discord.py: watches a `Client` or `Bot` where its gateway's events come in and its REST calls go out.

A turn begins before the framework makes its tasks for an event, so listeners, prefix and slash commands,
views and modals are all in it. Interactions answer through the framework's webhook adapter, which is a
context variable; everything else goes through `client.http`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from discord import Client
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from .chat_watch import ChatWatch
from .guard import unharmed
from .messages import Received, Sent
from .turns import Turn, begin, current_turn

if TYPE_CHECKING:
    from botwatch import Agent

Json = Mapping[str, Any]

_EPOCH_MS = 1_420_070_400_000
_SAID = (0, 19)
"""Types of message by which somebody says something, alone or in reply; others report joins, pins, boosts."""
_COMMAND, _COMPONENT, _FORM = 2, 3, 5
_GROUPS = (1, 2)
"""Types of a slash command's option that are its subcommands."""
_NEW, _CHANGED = 4, 7
"""Types of an interaction's response that carry a message."""


def attach(client: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch a `discord.Client` or `Bot`, sharded or not; attaching it again changes nothing.

    `edits`: whether a text the bot edits counts as one more message.
    """
    if not isinstance(client, Client):
        raise TypeError("attach() takes a discord.Client or discord.ext.commands.Bot")
    # The table that the gateway looks its events up in: only there do we stand before the framework's tasks.
    parsers = client._connection.parsers
    if isinstance(parsers["MESSAGE_CREATE"], WatchEvents):
        return
    bot = WatchedClient(client, ChatWatch(agent, with_edits=edits))
    for event, read in (("MESSAGE_CREATE", bot.message), ("INTERACTION_CREATE", bot.interaction)):
        parsers[event] = WatchEvents(bot, read, parsers[event])
    bot.watch_calls()


class WatchedClient:
    """What one client's hooks have in common."""

    def __init__(self, client: Client, watch: ChatWatch) -> None:
        self.client = client
        self.watch = watch
        self.webhooks = WatchWebhooks(self)

    def watch_calls(self) -> None:
        http = self.client.http
        http.send_message = self._watched_call(http.send_message, is_edit=False)  # type: ignore[method-assign]
        http.edit_message = self._watched_call(http.edit_message, is_edit=True)  # type: ignore[method-assign]

    def _watched_call(self, call: Callable[..., Awaitable[Any]], is_edit: bool) -> Callable[..., Any]:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            answer = await call(*args, **kwargs)
            if not is_edit or _has_text(kwargs.get("params")):
                self.watch.sent(self.sent, answer, is_edit)
            return answer

        return watched

    def watch_errors(self) -> None:
        """By the hooks that are there now: a bot may have set them after it was attached."""
        tree = self.client._connection._command_tree
        for owner, name in ((self.client, "on_error"), (self.client, "on_command_error"), (tree, "on_error")):
            hook = getattr(owner, name, None)
            if hook is not None and not isinstance(hook, WatchErrors):
                setattr(owner, name, WatchErrors(self.watch, hook))

    def message(self, data: Json) -> Received | None:
        author = data["author"]
        if author.get("bot") or data.get("webhook_id") or data.get("type", 0) not in _SAID:
            return None
        member = {**data.get("member", {}), "user": author}
        return self._received(data, member, _text(data), {})

    def interaction(self, data: Json) -> Received | None:
        member = data.get("member") or {"user": data["user"]}
        given = data.get("data") or {}
        if data["type"] == _COMMAND:
            return self._received(data, member, _command(given), {})
        if data["type"] in (_COMPONENT, _FORM):
            text = ", ".join(given.get("values") or [given["custom_id"]])
            return self._received(data, member, text, {"button": True})
        return None

    def _received(self, data: Json, member: Json, text: str, attributes: dict[str, bool]) -> Received:
        user = member["user"]
        return Received(
            text=text,
            user_id=user["id"],
            user_name=member.get("nick") or user.get("global_name") or user.get("username"),
            chat_id=data.get("channel_id"),
            channel=self._channel(data.get("channel_id")),
            sent_at=((int(data["id"]) >> 22) + _EPOCH_MS) / 1000,
            attributes=attributes,
            id=f"discord:{data['id']}",
        )

    def sent(self, message: Json, is_edit: bool) -> Iterator[Sent]:
        chat_id = message.get("channel_id")
        reader = getattr(self._known(chat_id), "recipient", None)
        yield Sent(
            text=_text(message),
            chat_id=chat_id,
            channel=self._channel(chat_id),
            user_id=str(reader.id) if reader else None,
            user_name=reader.display_name if reader else None,
            is_edit=is_edit,
        )

    def _channel(self, chat_id: str | None) -> str | None:
        return getattr(self._known(chat_id), "name", None) or chat_id

    def _known(self, chat_id: str | None) -> object:
        return self.client.get_channel(int(chat_id)) if chat_id else None


class WatchEvents:
    """Stands before the parser of one kind of event."""

    def __init__(
        self, bot: WatchedClient, read: Callable[[Json], Received | None], parse: Callable[[Any], None]
    ) -> None:
        self._bot = bot
        self._read = read
        self._parse = parse

    def __call__(self, data: Any) -> None:
        with unharmed("a bot's hooks"):
            self._bot.watch_errors()
            if type(async_context.get()) is AsyncWebhookAdapter:
                # In the gateway's own context, which all handlers inherit.
                async_context.set(self._bot.webhooks)
        begin(self._bot.watch.received(self._read, data))
        try:
            self._parse(data)
        finally:
            begin(None)


class WatchWebhooks(AsyncWebhookAdapter):
    """Sees the responses to interactions, what follows them up, and other webhooks' messages."""

    def __init__(self, bot: WatchedClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._bot = bot

    async def create_interaction_response(self, *args: Any, **kwargs: Any) -> Any:
        answer = await super().create_interaction_response(*args, **kwargs)
        self._bot.watch.sent(self._responded, answer)
        return answer

    async def execute_webhook(self, *args: Any, **kwargs: Any) -> Any:
        answer = await super().execute_webhook(*args, **kwargs)
        self._bot.watch.sent(self._bot.sent, answer or kwargs.get("payload") or {}, False)
        return answer

    async def edit_original_interaction_response(self, *args: Any, **kwargs: Any) -> Any:
        answer = await super().edit_original_interaction_response(*args, **kwargs)
        # After `defer` the bot "is thinking", and this is the first that the user gets to read.
        self._bot.watch.sent(self._bot.sent, answer, (current_turn() or Turn()).is_answered)
        return answer

    def _responded(self, answer: Json) -> Iterator[Sent]:
        resource = answer.get("resource") or {}
        if resource.get("message") and resource.get("type") in (_NEW, _CHANGED):
            yield from self._bot.sent(resource["message"], resource["type"] == _CHANGED)


class WatchErrors:
    """Stands before a hook that the framework tells an error to; the hook does what it did."""

    def __init__(self, watch: ChatWatch, hook: Callable[..., Awaitable[None]]) -> None:
        self._watch = watch
        self._hook = hook

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        # A command's hook is given the error, an event's is called while it is handled. What commands raise
        # themselves (unknown, not allowed, wrongly used) has no original: those are the users' mistakes.
        given = next((one for one in args if isinstance(one, BaseException)), None)
        self._watch.failed(getattr(given, "original", None) if given else sys.exc_info()[1])
        await self._hook(*args, **kwargs)


def _has_text(params: Any) -> bool:
    return bool((getattr(params, "payload", None) or {}).get("content"))


def _text(message: Json) -> str:
    if message.get("content"):
        return str(message["content"])
    parts = ("embeds", "attachments", "sticker_items", "poll")
    return next((f"[{part.removesuffix('s')}]" for part in parts if message.get(part)), "[message]")


def _command(given: Json) -> str:
    """What the user typed, near enough: the command, its subcommands, the values of its options."""
    words = [f"/{given['name']}" if given.get("type", 1) == 1 else given["name"]]
    options = list(given.get("options", ()))
    while options:
        option = options.pop(0)
        words.append(str(option["name"] if option["type"] in _GROUPS else option.get("value", "")))
        options = [*option.get("options", ()), *options]
    return " ".join(words)
