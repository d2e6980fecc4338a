"""A real Chainlit app and its users over Socket.IO: what is Chainlit's own. See also test_chat_bots."""

import json
from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts

_serials = count(1000)


@pytest.fixture(scope="module")
def scene(new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES["chainlit"](new_collector, tmp_path_factory.mktemp("chainlit")) as scene:
        yield scene


@pytest.fixture
def alice(scene):
    return scene.platform.person(next(_serials), "Alice")


def test_streamed_answer_is_one_message_of_its_whole_text(scene, alice):
    scene.platform.say(alice, "stream")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] == "tokens" and answer["response_ms"] >= 0
    assert "attributes" not in answer


def test_question_and_its_answer_are_messages(scene, alice):
    scene.platform.answers["what else?"] = "tea"
    scene.platform.say(alice, "ask")

    messages = scene.after(4, alice)

    assert texts(messages, "in") == ["ask", "tea"]
    assert texts(messages, "out") == ["what else?", "so tea"]


def test_steps_of_tools_are_no_messages(scene, alice):
    scene.platform.say(alice, "step")
    scene.platform.say(alice, "hello")

    assert texts(scene.after(3, alice), "out") == ["you said hello"]


def test_changed_message_of_a_user_is_one_more(scene, alice):
    scene.platform.say(alice, "hello")
    scene.after(2, alice)
    scene.platform.edit(alice, "hello again")

    messages = scene.after(4, alice)

    assert texts(messages, "in") == ["hello", "hello again"]
    assert json.loads(messages[2]["attributes"]) == {"edited": True}
    assert {message["channel"] for message in messages} == {"webapp"}
