"""botbuilder: watches an adapter by a middleware (`adapter.use`) and by what it sends to the connector.

The framework's own `on_send_activities` runs before the sending, and so can't tell what was accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botbuilder.core import BotAdapter, Middleware, TurnContext
from botbuilder.schema import Activity, ActivityTypes, DeliveryModes

from .chat_watch import ChatWatch
from .messages import Received, Sent
from .turns import Turn, begin, current_turn

if TYPE_CHECKING:
    from botwatch import Agent

_TURN = "botwatch"


def attach(adapter: Any, agent: Agent, *, edits: bool = True) -> None:
    """Watch a `CloudAdapter`, `BotFrameworkAdapter` or another; attaching it again changes nothing.

    `edits`: whether an activity the bot updates counts as one more message.
    """
    if not isinstance(adapter, BotAdapter):
        raise TypeError("attach() takes a botbuilder.core.BotAdapter, as CloudAdapter is")
    if isinstance(adapter.send_activities, WatchCall):
        return
    watch = ChatWatch(agent, with_edits=edits)
    adapter.use(WatchTurns(watch))
    adapter.send_activities = WatchCall(adapter.send_activities, watch, is_edit=False)
    adapter.update_activity = WatchCall(adapter.update_activity, watch, is_edit=True)


class WatchTurns(Middleware):  # type: ignore[misc]
    """Opens a turn for every activity, and hears of what its handling raises before `on_turn_error` does."""

    def __init__(self, watch: ChatWatch) -> None:
        self._watch = watch

    async def on_turn(self, context: TurnContext, logic: Callable[[], Awaitable[Any]]) -> Any:
        outer, turn = current_turn(), self._watch.received(_received, context.activity)
        context.turn_state[_TURN] = turn
        if context.activity.delivery_mode == DeliveryModes.expect_replies:
            context.on_send_activities(self._buffered)
        begin(turn)
        try:
            return await logic()
        except Exception as error:
            self._watch.failed(error, turn=turn)
            raise
        finally:
            begin(outer)

    async def _buffered(
        self, context: TurnContext, activities: list[Activity], following: Callable[[], Awaitable[Any]]
    ) -> Any:
        """What leaves in the response to the request, and never comes to the adapter."""
        self._watch.sent(_sent, activities, False, turn=_turn(context))
        return await following()


class WatchCall:
    """Stands before the adapter's sending or updating of activities."""

    def __init__(self, call: Callable[..., Awaitable[Any]], watch: ChatWatch, *, is_edit: bool) -> None:
        self._call = call
        self._watch = watch
        self._is_edit = is_edit

    async def __call__(self, context: TurnContext, sent: Any) -> Any:
        answer = await self._call(context, sent)
        activities = [sent] if self._is_edit else sent
        self._watch.sent(_sent, activities, self._is_edit, turn=_turn(context))
        return answer


def _turn(context: TurnContext) -> Turn | None:
    turn = context.turn_state.get(_TURN)
    return turn if isinstance(turn, Turn) else None


def _received(activity: Activity) -> Received | None:
    if activity.type != ActivityTypes.message:
        return None
    author, conversation = activity.from_property, activity.conversation
    is_press = not activity.text and activity.value is not None
    return Received(
        text=_text(activity),
        user_id=author and author.id,
        user_name=author and author.name,
        chat_id=conversation and conversation.id,
        channel=_channel(activity),
        sent_at=activity.timestamp.timestamp() if isinstance(activity.timestamp, datetime) else None,
        attributes={"button": True} if is_press else {},
        id=f"botframework:{activity.channel_id}:{activity.id}" if activity.id else None,
    )


def _sent(activities: Iterable[Activity], is_edit: bool) -> Iterator[Sent]:
    for activity in activities:
        if activity.type == ActivityTypes.message:
            reader, conversation = activity.recipient, activity.conversation
            yield Sent(
                text=_text(activity),
                chat_id=conversation and conversation.id,
                channel=_channel(activity),
                user_id=reader and reader.id,
                user_name=reader and reader.name,
                is_edit=is_edit,
            )


def _channel(activity: Activity) -> str:
    """A conversation's name where it has one, or else the channel that it is on: msteams, webchat."""
    name = activity.conversation and activity.conversation.name
    return str(name or activity.channel_id)


def _text(activity: Activity) -> str:
    if activity.text:
        return str(activity.text)
    if activity.attachments:
        kind = str(activity.attachments[0].content_type or "attachment")
        return "[card]" if "card" in kind else f"[{kind.partition('/')[0]}]"
    return str(activity.value) if activity.value is not None else "[message]"
