"""What hooks report to takes every mistake of ours upon itself."""

import pytest

from botwatch.integrations.chat_watch import ChatWatch
from botwatch.integrations.messages import Received, Sent
from botwatch.integrations.turns import Turn

MESSAGE = Received("hello", "1", "Alice", "1", None, None)


class Broken:
    def __getattr__(self, name):
        raise RuntimeError("as the test wants it")


class Deaf:
    """An agent that takes everything."""

    def __getattr__(self, name):
        return lambda *_, **__: None


def unreadable(*_data):
    raise KeyError("as the test wants it")


@pytest.mark.parametrize(("agent", "read"), [(Broken, lambda _: MESSAGE), (Deaf, unreadable)])
def test_what_cannot_be_recorded_is_an_empty_turn_and_no_error(agent, read):
    turn = ChatWatch(agent()).received(read, {})

    assert (turn.user_id, turn.chats) == (None, frozenset())


@pytest.mark.parametrize(("agent", "read"), [(Broken, lambda _: [Sent("hi", "1")]), (Deaf, unreadable)])
def test_reply_that_cannot_be_recorded_is_no_error(agent, read):
    ChatWatch(agent()).sent(read, {}, turn=Turn())


def test_error_that_cannot_be_told_is_no_further_error():
    ChatWatch(Broken()).failed(ValueError())
