"""A real Bot Framework bot behind its connector: what is that framework's own. See also test_chat_bots."""

from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts

_serials = count(1000)


@pytest.fixture(scope="module")
def scene(new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES["botbuilder"](new_collector, tmp_path_factory.mktemp("botbuilder")) as scene:
        yield scene


@pytest.fixture
def alice(scene):
    return scene.platform.person(next(_serials), "Alice")


def test_words_of_the_error_handler_are_an_answer_too(scene, alice):
    scene.platform.say(alice, "excuse")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] == "sorry" and answer["response_ms"] >= 0
    assert scene.error(alice, "RuntimeError")["entity_id"] == "__main__:Bot.on_turn"


def test_answer_in_the_response_to_the_request_is_counted_once(scene, alice):
    answered = scene.platform.ask(alice, "hello", deliveryMode="expectReplies")
    assert [activity["text"] for activity in answered["activities"]] == ["you said hello"]
    scene.platform.say(alice, "hello again")

    assert texts(scene.after(4, alice), "out") == ["you said hello", "you said hello again"]


def test_message_out_of_turn_goes_to_its_user_and_answers_nobody(scene, alice):
    scene.platform.say(alice, "remind me")

    reminder = one(scene.after(2, alice), "out")

    assert (reminder["text"], reminder["user_name"]) == ("time is up", "Alice")
    assert "response_ms" not in reminder and "wait_ms" not in reminder


def test_typing_joins_and_cards_are_told_apart(scene, alice):
    scene.platform.say(alice, "typing")
    scene.platform.say(alice, "", type="conversationUpdate", membersAdded=[{"id": alice.id}])
    scene.platform.say(alice, "", value={"choice": "tea"})
    scene.platform.say(alice, "hello")

    messages = scene.after(5, alice)

    assert sorted(texts(messages, "in")) == ["hello", "typing", "{'choice': 'tea'}"]


def test_conversations_name_is_the_channel(scene, alice):
    scene.platform.say(alice, "hello", conversation={"id": "19:kitchen", "name": "Kitchen", "isGroup": True})

    assert {message["channel"] for message in scene.after(2, alice)} == {"Kitchen"}
