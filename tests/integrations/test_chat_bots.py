"""Real bots of each chat framework, each a process: what reaches the collector is exact and alike."""

from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from .chat_scene import SCENES, Scene, one, texts
from .platform_double import Person

ANSWERS = {
    "hello": ["you said hello"],
    "slow": ["at last"],
    "silence": [],
    "twice": ["one", "two"],
    "edit": ["thinking", "thought"],
    "task": ["from a task"],
    "fail": ["reached at last"],
}
_serials = count(1)


@pytest.fixture(scope="module", params=SCENES)
def scene(request, new_collector, tmp_path_factory) -> Iterator[Scene]:
    with SCENES[request.param](new_collector, tmp_path_factory.mktemp(request.param)) as scene:
        yield scene


def somebody(scene: Scene, name: str = "Alice") -> Person:
    return scene.platform.person(next(_serials), name)


def test_every_message_and_reply_is_counted_once(scene):
    alice, bob = somebody(scene), somebody(scene, "Bob")
    for number in range(40):
        scene.platform.say(alice if number % 4 else bob, f"hello {number}")

    messages = scene.after(80, alice, bob)

    said = [f"hello {number}" for number in range(40)]
    assert Counter(texts(messages, "in")) == Counter(said)
    assert Counter(texts(messages, "out")) == Counter(f"you said {text}" for text in said)
    users = Counter((m["direction"], m["user_id"]) for m in messages)
    assert users == {("in", alice.id): 30, ("out", alice.id): 30, ("in", bob.id): 10, ("out", bob.id): 10}
    names = {(m["user_id"], m.get("user_name")) for m in messages}
    assert names == {(person.id, scene.platform.known_name(person)) for person in (alice, bob)}


def test_concurrent_users_keep_their_own_answers_and_times(scene):
    people = [somebody(scene, f"Person {number}") for number in range(10)]
    for number, person in enumerate(people):
        scene.platform.say(person, "slow" if number % 2 else "quick")

    answers = {m["user_id"]: m for m in scene.after(20, *people) if m["direction"] == "out"}

    for number, person in enumerate(people):
        answer = answers[person.id]
        assert answer["text"] == ("at last" if number % 2 else "you said quick")
        assert (answer["response_ms"] >= 300) or not number % 2


def test_reply_carries_handling_time_and_the_users_wait(scene):
    alice = somebody(scene)
    scene.platform.say(alice, "slow", age_s=scene.platform.age_s)

    messages = scene.after(2, alice)

    asked, answer = one(messages, "in"), one(messages, "out")
    assert "response_ms" not in asked and "wait_ms" not in asked
    assert 300 <= answer["response_ms"] < 30_000
    oldest = scene.platform.age_s * 1000
    assert oldest + 300 <= answer["wait_ms"] < oldest + 60_000
    assert answer["ts"] - asked["ts"] >= 300


def test_every_kind_of_reply_is_recorded_and_nothing_else(scene):
    people = {order: somebody(scene, order.title()) for order in ANSWERS}
    for order, person in people.items():
        scene.platform.say(person, order)
    messages = scene.after(len(ANSWERS) + sum(map(len, ANSWERS.values())), *people.values())

    for order, person in people.items():
        theirs = [m for m in messages if m["user_id"] == person.id]
        assert texts(theirs, "in") == [order]
        assert texts(theirs, "out") == ANSWERS[order]
        assert all("response_ms" in m and "wait_ms" in m for m in theirs if m["direction"] == "out")


def test_error_of_a_handler_is_told_with_its_place_and_the_bot_goes_on(scene):
    alice = somebody(scene)
    scene.platform.say(alice, "crash")
    told = scene.error(alice, "RuntimeError")
    scene.platform.say(alice, "hello")

    assert texts(scene.after(3, alice), "out") == ["you said hello"]
    assert told["entity_type"] == "handler" and "/bots/" in told["details"]["place"]
    assert told["details"]["message"] == "RuntimeError: as the test wants it"


def test_what_was_recorded_is_all_that_was_said_and_sent(scene):
    """Runs last: no echo, retry or second attachment has counted anything twice."""
    platform, stored = scene.platform, scene.collector.messages()
    sent = texts(stored, "out")

    scene.until(lambda: len(platform.texts) >= len(sent))  # what is shown may come after what is stored
    assert Counter(sent) == Counter(platform.texts)
    assert len(texts(stored, "in")) == platform.said
