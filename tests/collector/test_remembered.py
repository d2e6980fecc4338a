"""Answers that are remembered: found again for five minutes, and never shown once there is a newer one."""

from importlib import import_module

import pytest

from botwatch_collector import models, retention, rollups
from botwatch_collector.analytics import known, remembered
from botwatch_collector.analytics.counts import Counts
from botwatch_collector.analytics.overview import overview
from botwatch_collector.analytics.top_users import top_users
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR
from botwatch_collector.ingest.store import store as store_batches

from .oracle import Said
from .test_known import NOW, START, elsewhere, store
from .test_store import batch, message

WINDOW = Window(START + HOUR // 2, START + 9 * DAY + HOUR // 2)


@pytest.fixture
def chat(database: None) -> None:
    store(*(Said(START + day * DAY, user_id=f"u{day % 4}", bot=1 + day // 8) for day in range(12)))


def shown(*bots: int) -> tuple[int, list[tuple[str, int]]]:
    page = top_users(bots, WINDOW, 10)
    return overview(bots, WINDOW).users.unique, [(user.user_id, user.messages) for user in page.users]


def falsify() -> None:
    """What is asked of the rollups now is told from what is remembered."""
    for model in (models.UserHour, models.UserDay, models.UserMonth, models.BotUser):
        model.delete().execute()


def test_same_question_is_asked_once(chat: None) -> None:
    before = shown(1)
    falsify()

    assert shown(1) == before
    assert shown(1, 2) != before
    assert top_users([1], Window(WINDOW.start, WINDOW.end - 1), 10).users == []


def test_new_message_of_another_process_is_seen_at_once(chat: None, database_url: str) -> None:
    users, most = shown(1)

    elsewhere(database_url, f"store(Said({START + DAY}, user_id='new'))")

    assert shown(1) == (users + 1, sorted([*most, ("new", 1)], key=lambda one: (-one[1], one[0])))


@pytest.fixture
def leave_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every commit on SQLite leaves its users to others."""
    monkeypatch.setattr(import_module("botwatch_collector.rollups.keeping_up"), "_AT_ONCE", 0)


def test_answer_without_users_who_wait_is_not_kept(chat: None, leave_users: None) -> None:
    users, most = shown(1)
    store_batches([batch(message(1, ts=START + DAY, user_id="late"), instance="late")])
    shown(1)
    known.write(NOW)

    rollups.catch_up()

    assert shown(1) == (users + 1, sorted([*most, ("late", 1)], key=lambda one: (-one[1], one[0])))


def test_messages_of_users_who_wait_are_not_taken_off_those_who_do_not(chat: None, leave_users: None) -> None:
    """The rest of an hour that a window cuts is not in it, and not all of it is counted."""
    hour, window = START + 20 * DAY, Window(START, START + 20 * DAY + HOUR * 2 // 3)
    store(*(Said(hour + second * 1_000, user_id="u") for second in range(9)))
    before = top_users([1], window, 10)
    store_batches([batch(*(message(seq, ts=window.end + seq, user_id="u") for seq in range(1, 8)))])

    # Of other numbers nothing is remembered.
    assert top_users([1], window, 11).users == before.users
    rollups.catch_up()
    assert top_users([1], window, 12).users == before.users


def test_answer_is_kept_while_users_of_other_times_wait(chat: None, leave_users: None) -> None:
    store_batches([batch(message(1, ts=START + 30 * DAY, user_id="late"), instance="late")])
    before = shown(1)
    falsify()

    assert shown(1) == before


def test_one_who_is_forgotten_is_not_remembered(chat: None) -> None:
    users, most = shown(1)

    retention.forget("u1", [1])

    assert shown(1) == (users - 1, [one for one in most if one[0] != "u1"])


def test_answers_are_asked_again_after_five_minutes() -> None:
    memory = remembered.Memory()
    memory.keep("a", 1, now_s=0)

    assert memory.find("a", now_s=remembered.LIFETIME_S)
    assert memory.find("a", now_s=remembered.LIFETIME_S + 1) is None


def test_oldest_answers_leave_when_there_are_too_many() -> None:
    memory = remembered.Memory()
    for number in range(remembered.MOST_ANSWERS + 1):
        memory.keep(number, "answer", now_s=0)
        memory.find(0, now_s=0)

    assert len(memory.answers) == remembered.MOST_ANSWERS
    assert memory.find(0, now_s=0) and memory.find(1, now_s=0) is None


def test_large_answers_leave_no_room_for_others() -> None:
    memory = remembered.Memory()
    for number in range(3):
        memory.keep(number, "x" * (remembered.MOST_BYTES // 2), now_s=0)

    assert list(memory.answers) == [2]
    assert memory.size_bytes <= remembered.MOST_BYTES
    memory.keep(2, "small", now_s=0)
    assert memory.size_bytes < 100


def test_counts_of_the_window_are_part_of_the_question(database: None) -> None:
    def ask(total: int, answer: str) -> str:
        return remembered.remembered("q", [1], WINDOW, Counts(messages_in=total), lambda: answer)

    assert [ask(1, "one"), ask(2, "two"), ask(1, "other"), ask(2, "other")] == ["one", "two", "one", "two"]
