"""What integrations hand to the agent: a message that was received or sent, told with what its turn knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .turns import Turn, in_turn

if TYPE_CHECKING:
    from botwatch import Agent


@dataclass(frozen=True, slots=True)
class Received:
    """What a user sent to the bot."""

    text: str
    user_id: str | None
    user_name: str | None
    chat_id: str | None
    channel: str | None
    sent_at: float | None
    """By the platform's clock, unix seconds."""
    attributes: dict[str, bool] = field(default_factory=dict)
    id: str | None = None
    """The platform's own, where it delivers a message again until it is answered."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the bot sent to a chat."""

    text: str
    chat_id: str | None
    channel: str | None = None
    user_name: str | None = None
    is_private: bool = False
    """Whether the chat is one user's, so that its id is the user's."""
    user_id: str | None = None
    """The reader, where the chat is theirs alone and has an id of its own."""
    is_edit: bool = False
    is_answer: bool = False
    """Whether it went by a way that only the turn's user gave (a command's response)."""


def record_received(agent: Agent, message: Received) -> Turn:
    """Record it; the turn to answer it in."""
    agent.message(
        direction="in",
        user_id=message.user_id,
        user_name=message.user_name,
        channel=message.channel,
        text=message.text,
        id=message.id,
        attributes=message.attributes or None,
    )
    return Turn(
        user_id=message.user_id,
        user_name=message.user_name,
        channel=message.channel,
        chats=frozenset(chat for chat in (message.chat_id, message.user_id) if chat),
        sent_at=message.sent_at,
    )


def record_sent(agent: Agent, message: Sent, turn: Turn | None, *, is_timed: bool = True) -> None:
    """Record it, as the turn's answer with its times if it went to a chat of the turn."""
    # What goes to another chat (a notice to the owner, a broadcast) answers nobody.
    is_theirs = turn and not turn.chats.isdisjoint((message.chat_id, message.user_id))
    answered = turn if is_theirs or message.is_answer else None
    to_user = message.chat_id if message.is_private else message.user_id
    if answered:
        answered.is_answered = True
    with in_turn(None):
        agent.message(
            direction="out",
            user_id=(answered and answered.user_id) or to_user,
            user_name=answered.user_name if answered else message.user_name,
            channel=message.channel or (answered and answered.channel),
            text=message.text,
            response_ms=answered.response_ms() if answered and is_timed else None,
            wait_ms=answered.wait_ms() if answered and is_timed else None,
            attributes={"edited": True} if message.is_edit else None,
        )
