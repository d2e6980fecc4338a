"""A real discord.py bot, over a real gateway and REST: what is Discord's own. See also test_chat_bots."""

import json
from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts
from .discord_double import user
from .platform_double import Person

_ids = count(1000)


@pytest.fixture(scope="module")
def scene(new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES["discord.py"](new_collector, tmp_path_factory.mktemp("discord")) as scene:
        yield scene


def somebody(name: str = "Alice") -> Person:
    return Person(str(next(_ids)), name)


def test_slash_command_its_response_and_what_follows_are_one_exchange(scene):
    alice = somebody()
    scene.platform.use(alice, "order", "tea", age_s=100)

    messages = scene.after(3, alice)

    assert texts(messages, "in") == ["/order tea"]
    assert texts(messages, "out") == ["ordered tea", "anything else?"]
    for answer in messages[1:]:
        assert answer["user_name"] == "Alice" and answer["channel"] == "kitchen"
        assert answer["response_ms"] >= 0 and 100_000 <= answer["wait_ms"] < 160_000


def test_deferred_answer_is_no_edit_and_waiting_counts(scene):
    alice = somebody()
    scene.platform.use(alice, "think")

    messages = scene.after(3, alice)

    assert scene.platform.callbacks.count(5) == 1, "it did defer"
    assert texts(messages, "out") == ["thought", "and said"]
    assert all(answer["response_ms"] >= 300 for answer in messages[1:])
    assert [answer.get("attributes") for answer in messages[1:]] == [None, None]


def test_pressed_button_is_a_message_and_the_changed_text_its_answer(scene):
    alice = somebody()
    scene.platform.use(alice, "menu")
    scene.after(2, alice)
    scene.platform.press(alice, "tea", scene.platform.last_message())

    messages = scene.after(4, alice)[2:]

    assert (one(messages, "in")["text"], one(messages, "out")["text"]) == ("tea", "you chose tea")
    assert one(messages, "out")["response_ms"] >= 0
    assert json.loads(one(messages, "out")["attributes"]) == {"edited": True}


def test_answer_in_private_is_the_users_and_timed(scene):
    alice = somebody()
    scene.platform.say(alice, "privately")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] == "between us" and answer["response_ms"] >= 0


def test_words_of_bots_and_the_servers_own_are_no_users(scene):
    robot, alice = somebody("Robot"), somebody()
    scene.platform.say(robot, "hello", author={**user(robot), "bot": True})
    scene.platform.say(alice, "", type=7)
    scene.platform.say(alice, "hello")

    assert texts(scene.after(2, alice), "in") == ["hello"]
    assert scene.after(0, robot) == []


def test_errors_of_prefix_and_slash_commands_are_told_once(scene):
    alice = somebody()
    scene.platform.say(alice, "!crash")
    scene.platform.use(alice, "fall")
    scene.platform.say(alice, "!unknown")
    scene.platform.say(alice, "!hello")

    assert texts(scene.after(5, alice), "out") == ["hello to you"]
    assert scene.error(alice, "ZeroDivisionError")["entity_id"] == "__main__:crash"
    assert scene.error(alice, "LookupError")["entity_id"] == "__main__:fall"
    assert scene.collector.activities("CommandNotFound") == []
