"""Real Bolt apps, sync and async, over signed requests: what is Slack's own. See also test_chat_bots."""

from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts

_serials = count(1000)


@pytest.fixture(scope="module", params=["slack-bolt", "slack-bolt async"])
def scene(request, new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES[request.param](new_collector, tmp_path_factory.mktemp("slack")) as scene:
        yield scene


@pytest.fixture
def alice(scene):
    return scene.platform.person(next(_serials), "Alice")


def test_message_delivered_again_is_counted_once_but_each_answer_sent(scene, alice):
    """Bolt runs the listener again, and the user reads the answer again."""
    scene.platform.say(alice, "hello", deliveries=3)

    messages = scene.after(4, alice)

    assert texts(messages, "in") == ["hello"]
    assert texts(messages, "out") == ["you said hello"] * 3


def test_mention_that_is_also_a_message_is_counted_once(scene, alice):
    event = {"user": alice.id, "text": "silence", "ts": "1700000000.000100", "channel": "C1"}
    scene.platform.deliver({"type": "app_mention", **event})
    scene.platform.deliver({"type": "message", **event})
    scene.platform.say(alice, "hello")

    assert texts(scene.after(3, alice), "in") == ["silence", "hello"]


def test_commands_response_and_what_follows_are_answers(scene, alice):
    assert "ordered tea" in scene.platform.command(alice, "tea")

    messages = scene.after(3, alice)

    assert texts(messages, "in") == ["/order tea"]
    assert sorted(texts(messages, "out")) == ["anything else?", "ordered tea"]
    assert {message["user_name"] for message in messages} == {"Alice"}
    assert all(answer["response_ms"] >= 0 for answer in messages if answer["direction"] == "out")


def test_pressed_button_is_a_message_and_the_replaced_text_its_answer(scene, alice):
    scene.platform.press(alice, "tea")

    messages = scene.after(2, alice)

    assert (one(messages, "in")["text"], one(messages, "out")["text"]) == ("tea", "you chose tea")
    assert one(messages, "out")["wait_ms"] >= 0


def test_name_is_known_once_the_bot_has_asked_for_it(scene, alice):
    scene.platform.say(alice, "who am i")
    scene.after(2, alice)
    scene.platform.say(alice, "hello")

    messages = scene.after(4, alice)

    assert [message.get("user_name") for message in messages[2:]] == [f"Person {alice.id}"] * 2


def test_message_to_another_user_answers_nobody(scene, alice):
    owner = scene.platform.person(999, "Owner")
    scene.platform.say(alice, "tell the owner")

    notice = scene.after(1, owner)[-1]

    assert (notice["text"], notice["channel"]) == ("somebody was here", "DU999")
    assert "response_ms" not in notice and "wait_ms" not in notice


def test_forged_request_is_not_recorded(scene, alice, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("tests.integrations.slack_double.SECRET", "another")
        with pytest.raises(AssertionError):
            scene.platform.say(alice, "forged")
    scene.platform.say(alice, "hello")

    assert texts(scene.after(2, alice), "in") == ["hello"]
