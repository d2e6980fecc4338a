"""Real sopel, Limnoria and errbot bots, each a process: what reaches the collector is exact."""

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from .conftest import eventually
from .irc_bots import irc_bot
from .irc_server import CHANNEL, IrcServer

# On some networks the server sends the bot's own messages back, on others the framework plays its part.
NETWORKS = {
    "plain": (),
    "echo": ("echo-message", "labeled-response", "message-tags", "batch", "server-time"),
}
BOTS = ["sopel plain", "sopel echo", "limnoria plain", "limnoria echo", "errbot plain"]
EXCUSES = {
    "sopel": "Unexpected RuntimeError (as the test wants it) from {}. Message was: .crash",
    "limnoria": "An error has occurred and has been logged.",
    "errbot": "Computer says nooo. See logs for details:\nas the test wants it",
}
_numbers = itertools.count(1)


class Scene:
    """A running bot, and what became of what people said to it."""

    def __init__(self, kind: str, server: IrcServer, collector) -> None:
        self.kind = kind
        self.server = server
        self.collector = collector

    def after(self, count: int, *nicks: str) -> list[dict]:
        """The messages of these people, once there are `count`."""
        eventually(lambda: len(self._messages(nicks)) >= count)
        return self._messages(nicks)

    def _messages(self, nicks: tuple[str, ...]) -> list[dict]:
        return [m for m in self.collector.messages() if m.get("user_id") in nicks]


@pytest.fixture(scope="module", params=BOTS)
def scene(request, new_collector, tmp_path_factory) -> Iterator[Scene]:
    kind, network = request.param.split()
    folder = tmp_path_factory.mktemp(kind)
    with (
        IrcServer(*NETWORKS[network]) as server,
        new_collector() as collector,
        irc_bot(kind, server, collector, folder),
    ):
        yield Scene(kind, server, collector)


def somebody() -> str:
    return f"Alice{next(_numbers)}"


def texts(messages: list[dict], direction: str) -> list[str]:
    return [message["text"] for message in messages if message["direction"] == direction]


def one(messages: list[dict], direction: str) -> dict:
    (found,) = [message for message in messages if message["direction"] == direction]
    return found


def test_every_message_and_reply_is_counted_once(scene):
    alice, bob = somebody(), somebody()
    for number in range(20):
        scene.server.say(alice if number % 4 else bob, ".hello", CHANNEL if number % 2 else "")

    messages = scene.after(40, alice, bob)

    assert Counter((m["direction"], m["user_id"], m["user_name"], m["text"]) for m in messages) == {
        ("in", alice, alice, ".hello"): 15,
        ("out", alice, alice, f"hello {alice}"): 15,
        ("in", bob, bob, ".hello"): 5,
        ("out", bob, bob, f"hello {bob}"): 5,
    }
    assert Counter(m.get("channel") for m in messages) == {None: 20, CHANNEL: 20}


def test_reply_carries_handling_time_and_where_the_server_tells_the_users_wait(scene):
    alice = somebody()
    scene.server.say(alice, ".slow", age_s=5)

    messages = scene.after(2, alice)

    asked, answer = one(messages, "in"), one(messages, "out")
    assert answer["text"] in ("at last", f"{alice}: at last")
    assert "response_ms" not in asked and "wait_ms" not in asked
    assert 300 <= answer["response_ms"] < 60_000
    if scene.server.tells_time:
        assert 5300 <= answer["wait_ms"] < 120_000
    else:
        assert "wait_ms" not in answer


def test_two_people_in_one_channel_keep_their_own_answers(scene):
    alice, bob = somebody(), somebody()
    scene.server.say(alice, ".slow", CHANNEL)
    scene.server.say(bob, ".hello", CHANNEL)

    messages = scene.after(4, alice, bob)

    answers = {m["user_id"]: m for m in messages if m["direction"] == "out"}
    assert "at last" in answers[alice]["text"] and answers[alice]["response_ms"] >= 300
    assert answers[bob]["text"] == f"hello {bob}"
    assert "response_ms" in answers[bob]


def test_reply_is_timed_however_it_is_sent(scene):
    alice, bob = somebody(), somebody()
    scene.server.say(alice, ".twice")
    scene.server.say(bob, ".pool")

    messages = scene.after(5, alice, bob)

    replies = [m for m in messages if m["direction"] == "out"]
    to_alice = [m["text"] for m in replies if m["user_id"] == alice]
    assert to_alice in (["one", "two"], ["/me nods", "two"])
    assert [m["text"] for m in replies if m["user_id"] == bob] == ["from a pool"]
    assert all("response_ms" in m for m in replies)


def test_message_to_another_answers_nobody(scene):
    alice = somebody()
    scene.server.say(alice, ".notify")

    (notice,) = scene.after(1, "Owner")

    assert (notice["direction"], notice["text"]) == ("out", "somebody was here")
    assert "response_ms" not in notice


def test_error_of_a_handler_is_told_with_its_place_and_its_excuse_is_a_reply(scene):
    alice = somebody()
    scene.server.say(alice, ".crash")

    messages = scene.after(2, alice)

    assert one(messages, "out")["text"].startswith(EXCUSES[scene.kind].format(alice))
    eventually(lambda: scene.collector.activities("RuntimeError"))
    (error,) = scene.collector.activities("RuntimeError")
    assert error["details"]["message"] == "RuntimeError: as the test wants it"
    assert "obey" in error["details"]["place"].lower()


def test_what_the_framework_takes_for_no_message_is_none(scene):
    """Notices and clients' questions; errbot takes notices for messages, and tells nobody of actions."""
    alice = somebody()
    scene.server.say(alice, "automatic", command="NOTICE")
    scene.server.say(alice, "\x01VERSION\x01")
    scene.server.say(alice, "\x01ACTION waves\x01", CHANNEL)
    scene.server.say(alice, ".hello")

    messages = scene.after(3, alice)

    first = "automatic" if scene.kind == "errbot" else "/me waves"
    assert texts(messages, "in") == [first, ".hello"]
    assert texts(messages, "out") == [f"hello {alice}"]
