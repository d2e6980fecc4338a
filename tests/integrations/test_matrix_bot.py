"""A real matrix-nio bot, over the sync API: what is Matrix's own. See also test_chat_bots."""

from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts
from .matrix_double import BOT

_serials = count(1000)


@pytest.fixture(scope="module")
def scene(new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES["matrix-nio"](new_collector, tmp_path_factory.mktemp("matrix")) as scene:
        yield scene


@pytest.fixture
def alice(scene):
    return scene.platform.person(next(_serials), "Alice")


def test_rooms_name_and_the_members_names_are_told(scene, alice):
    bob = scene.platform.person(next(_serials), "Bob")
    scene.platform.say(alice, "hello", room="!kitchen")
    scene.platform.say(bob, "hello", room="!kitchen")

    messages = scene.after(4, alice, bob)

    assert {message["user_name"] for message in messages} == {"Alice", "Bob"}
    assert all(message["channel"] for message in messages)


def test_own_words_of_another_device_and_notices_are_no_users(scene, alice):
    room = f"!{alice.id[1:]}"
    scene.platform.say(alice, "silence")
    scene.platform.tell(room, BOT, {"msgtype": "m.text", "body": "typed by the owner"})
    scene.platform.tell(room, alice.id, {"msgtype": "m.notice", "body": "a bot's notice"})
    scene.platform.say(alice, "hello")

    assert texts(scene.after(3, alice), "in") == ["silence", "hello"]
    assert "typed by the owner" not in texts(scene.collector.messages(), "in")


def test_picture_is_recorded_by_its_kind(scene, alice):
    scene.platform.say(alice, "cat.png", msgtype="m.image", url="mxc://kitchen/cat")

    assert one(scene.after(1, alice), "in")["text"] == "[image]"


def test_reaction_is_no_message(scene, alice):
    scene.platform.say(alice, "react")
    scene.platform.say(alice, "hello")

    assert texts(scene.after(3, alice), "out") == ["you said hello"]


def test_message_to_another_room_answers_nobody(scene, alice):
    scene.platform.say(alice, "tell the owners")

    def notices() -> list[dict]:
        return [message for message in scene.collector.messages() if message.get("channel") == "!owners"]

    scene.until(notices)
    (notice,) = notices()
    assert notice["text"] == "somebody was here" and "response_ms" not in notice
