"""Real python-telegram-bot and aiogram bots, each a process: what reaches the collector is exact."""

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from .conftest import BOTS, eventually, running_bot
from .telegram_double import BotApi, Group, Person

KITCHEN = Group(-100, "Kitchen")
OWNER = "999"
ANSWERS = {
    "hello": ["you said hello"],
    "slow": ["at last"],
    "silence": [],
    "typing": [],
    "twice": ["one", "two"],
    "photo": ["look"],
    "album": ["first", "[photo]"],
    "edit": ["thinking", "thought"],
    "task": ["from a task"],
    "thread": ["from a thread"],
    "pool": ["from a pool"],
    "crash": ["sorry"],
    "fail": ["reached at last"],
}
_numbers = itertools.count(1)


class Scene:
    """A running bot, and what became of what people said to it."""

    def __init__(self, api: BotApi, collector, program: str) -> None:
        self.api = api
        self.program = program
        self._collector = collector

    def after(self, count: int, *people: Person) -> list[dict]:
        """The messages of these people, once there are `count`."""
        ids = {str(person.id) for person in people}
        eventually(lambda: sum(m["user_id"] in ids for m in self._collector.messages()) >= count)
        return [m for m in self._collector.messages() if m["user_id"] in ids]

    def activity(self, action: str, status: str, user: Person | None = None) -> dict:
        """The one activity like this, once there is one."""
        user_id = user and str(user.id)

        def found() -> list[dict]:
            activities = self._collector.activities(action)
            return [a for a in activities if (a["status"], a["user_id"]) == (status, user_id)]

        eventually(found)
        (activity,) = found()
        return activity


@pytest.fixture(scope="module", params=["ptb_bot", "aiogram_bot", "ptb_bot concurrent"])
def scene(request, new_collector, tmp_path_factory) -> Iterator[Scene]:
    program, *arguments = request.param.split()
    directory = tmp_path_factory.mktemp(program)
    with (
        BotApi() as api,
        new_collector() as collector,
        running_bot(program, api, collector, directory, *arguments),
    ):
        yield Scene(api, collector, program)


def line_in(program: str, code: str) -> str:
    """The place of this code in the source of a bot."""
    path = BOTS / f"{program}.py"
    (number,) = [n for n, line in enumerate(path.read_text().splitlines(), 1) if line.strip() == code]
    return f"{path}:{number}"


def somebody(first_name: str = "Alice", last_name: str = "") -> Person:
    return Person(next(_numbers), first_name, last_name)


def one(messages: list[dict], direction: str) -> dict:
    (found,) = [message for message in messages if message["direction"] == direction]
    return found


def texts(messages: list[dict], direction: str) -> list[str]:
    return [message["text"] for message in messages if message["direction"] == direction]


def test_every_message_and_reply_is_counted_once(scene):
    alice, bob = somebody("Alice", "Archer"), somebody("Bob")
    for number in range(40):
        scene.api.say(alice if number % 4 else bob, f"hello {number}")

    messages = scene.after(80, alice, bob)

    said = [f"hello {number}" for number in range(40)]
    assert Counter(texts(messages, "in")) == Counter(said)
    assert Counter(texts(messages, "out")) == Counter(f"you said {text}" for text in said)
    assert Counter((m["direction"], m["user_name"]) for m in messages) == {
        ("in", "Alice Archer"): 30,
        ("out", "Alice Archer"): 30,
        ("in", "Bob"): 10,
        ("out", "Bob"): 10,
    }


def test_reply_carries_handling_time_and_the_users_wait(scene):
    alice = somebody()
    scene.api.say(alice, "slow", age_s=100)

    messages = scene.after(2, alice)

    asked, answer = one(messages, "in"), one(messages, "out")
    assert "response_ms" not in asked and "wait_ms" not in asked
    assert 300 <= answer["response_ms"] < 30_000
    assert 100_300 <= answer["wait_ms"] < 160_000
    assert answer["ts"] - asked["ts"] >= 300


def test_concurrent_users_keep_their_own_answers_and_times(scene):
    people = [somebody(f"Person {number}") for number in range(10)]
    for number, person in enumerate(people):
        scene.api.say(person, "slow" if number % 2 else "quick")

    answers = {m["user_id"]: m for m in scene.after(20, *people) if m["direction"] == "out"}

    for number, person in enumerate(people):
        answer = answers[str(person.id)]
        assert answer["text"] == ("at last" if number % 2 else "you said quick")
        assert (answer["response_ms"] >= 300) == bool(number % 2)
        assert answer["user_name"] == person.name


def test_every_kind_of_reply_is_recorded_and_nothing_else(scene):
    people = {order: somebody(order.title()) for order in ANSWERS}
    for order, person in people.items():
        scene.api.say(person, order)
    messages = scene.after(len(ANSWERS) + sum(map(len, ANSWERS.values())), *people.values())

    for order, person in people.items():
        theirs = [m for m in messages if m["user_id"] == str(person.id)]
        answers = [m for m in theirs if m["direction"] == "out"]
        assert texts(theirs, "in") == [order]
        assert texts(theirs, "out") == ANSWERS[order]
        # An album is one answer, however many parts it has.
        timed = [m.get("response_ms") is not None for m in answers]
        assert timed == ([True, False] if order == "album" else [True] * len(answers))
    assert "sendChatAction" in scene.api.calls


def test_message_of_a_group_has_its_channel(scene):
    bob = somebody("Bob")
    scene.api.say(bob, None, group=KITCHEN, new_chat_title="Kitchen")
    scene.api.say(bob, "hi", group=KITCHEN)

    messages = scene.after(2, bob)

    assert [m["channel"] for m in messages] == ["Kitchen", "Kitchen"]
    assert [m["user_name"] for m in messages] == ["Bob", "Bob"]
    assert one(messages, "out")["response_ms"] >= 0


def test_message_to_another_chat_answers_nobody(scene):
    alice, owner = somebody(), Person(int(OWNER), "Owner")
    scene.api.say(alice, "tell the owner")

    notice = one(scene.after(1, owner), "out")

    assert notice["text"] == "somebody was here"
    assert notice.get("response_ms") is None and notice.get("wait_ms") is None


def test_pressed_button_is_a_message_without_a_wait(scene):
    bob = somebody("Bob")
    scene.api.press(bob, "tea")

    messages = scene.after(2, bob)

    answer = one(messages, "out")
    assert (one(messages, "in")["text"], answer["text"]) == ("tea", "you chose tea")
    assert answer["response_ms"] >= 0 and answer.get("wait_ms") is None


def test_call_that_a_handler_returns_is_its_answer(scene):
    """aiogram makes it; for python-telegram-bot it is a word like any other."""
    alice = somebody()
    scene.api.say(alice, "return")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] in ("returned", "you said return")
    assert answer["response_ms"] >= 0


def test_uncaught_error_is_told_with_its_place_whatever_the_bot_makes_of_it(scene):
    alice = somebody()
    scene.api.say(alice, "crash")

    told = scene.activity("RuntimeError", "failure", alice)

    assert told["entity_type"] == "handler"
    assert told["entity_id"] == "__main__:obey"
    assert told["details"]["place"] == line_in(scene.program, 'raise RuntimeError("as the test wants it")')
    assert told["details"]["message"] == "RuntimeError: as the test wants it"
    assert texts(scene.after(2, alice), "out") == ["sorry"], "the bot's own handler of errors stays in charge"


def test_blocking_handler_is_named_while_it_hangs_and_after(scene, tmp_path):
    alice, release = somebody(), tmp_path / "release"
    scene.api.say(alice, f"block {release}")

    hanging = scene.activity("blocked", "hanging")
    release.touch()
    over = scene.activity("blocked", "over")

    assert (
        hanging["details"]["place"] == over["details"]["place"] == line_in(scene.program, "time.sleep(0.05)")
    )
    assert over["details"]["blocked_ms"] >= hanging["details"]["blocked_ms"] >= 500
