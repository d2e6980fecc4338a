"""The busiest of past days, weeks and months are kept: by them is found who wrote most, exactly."""

import random
import threading
from collections.abc import Sequence

import pytest

from botwatch_collector import counters, db, models, retention, rollups
from botwatch_collector.analytics import cache_use, known
from botwatch_collector.analytics.busiest import candidates
from botwatch_collector.analytics.known import BUSIEST, Known
from botwatch_collector.analytics.top_users import Cursor, top_users
from botwatch_collector.analytics.window import Window
from botwatch_collector.clock import DAY, HOUR

from . import oracle
from .oracle import Said, put
from .test_known import START, elsewhere

NOW = START + 70 * DAY + 7 * HOUR + 1
WINDOW = Window(START + 3 * DAY + 5 * HOUR, NOW)
LIMIT = 20
_rng = random.Random(3)


def few_write_most(count: int) -> list[Said]:
    """Of 400 people, over 70 days."""
    return [
        Said(
            START + _rng.randrange(NOW - START),
            _rng.choice(["in", "in", "in", "out"]),
            f"u{int(400 * _rng.random() ** 4):03}",
            bot=_rng.choice([1, 1, 1, 2]),
        )
        for _ in range(count)
    ]


@pytest.fixture
def chat(database: None) -> list[Said]:
    said = few_write_most(8_000)
    put(said, instance="first")
    counters.take()
    return said


def most(window: Window = WINDOW, bots: Sequence[int] = (1,)) -> list[tuple[str, int]]:
    """The first page; what is new of the busiest is kept."""
    page = top_users(bots, window, LIMIT)
    known.write(NOW)
    return [(user.user_id, user.messages) for user in page.users]


def expected(
    said: Sequence[Said], window: Window = WINDOW, bots: Sequence[int] = (1,)
) -> list[tuple[str, int]]:
    right = oracle.top_users(oracle.within(said, window, bots))
    return [(user_id, messages) for user_id, messages, _ in right[:LIMIT]]


def misses() -> float:
    key = counters.key(cache_use.METRIC, question=BUSIEST.question, result="miss")
    return counters.take().get(key, 0)


def falsify() -> None:
    """What is asked of whole days, weeks and months now is told from what is kept of them."""
    for model in (models.UserDay, models.UserMonth):
        model.update(messages=1).execute()


def test_few_people_have_to_be_looked_up(chat: list[Said]) -> None:
    found = candidates([1], WINDOW, LIMIT + 1)

    assert found is not None
    assert LIMIT < len(found) < 60
    assert {user_id for user_id, _ in expected(chat)} <= set(found)


def test_past_buckets_are_asked_once(chat: list[Said]) -> None:
    found = candidates([1], WINDOW, LIMIT)
    assert found and misses() > 0
    known.write(NOW)
    falsify()

    assert sorted(candidates([1], WINDOW, LIMIT) or []) == sorted(found)
    assert sorted(candidates([1], Window(WINDOW.start, WINDOW.end + HOUR), LIMIT) or []) == sorted(found)
    assert misses() == 0


def test_another_process_finds_them_and_its_messages_are_seen(chat: list[Said], database_url: str) -> None:
    right = most()
    elsewhere(
        database_url,
        "from tests.collector.test_busiest import *; candidates([1], WINDOW, 20); assert misses() == 0",
    )
    late = [Said(START + 9 * DAY, user_id="late") for _ in range(1_000)]
    elsewhere(database_url, f"put([Said({START + 9 * DAY}, user_id='late')] * 1_000, instance='late')")

    assert right == expected(chat)
    assert most() == expected([*chat, *late])


def test_they_equal_the_raw_messages_whatever_comes_in_between(chat: list[Said]) -> None:
    said = list(chat)
    for turn in range(3):
        for start in (WINDOW.start, START + 31 * DAY, START + 31 * DAY + 11 * HOUR + 3, START + 66 * DAY):
            for end in (NOW, NOW - 9 * DAY - 1):
                for bots in ((1,), (1, 2)):
                    window = Window(start, end)
                    right = expected(said, window, bots)
                    assert [most(window, bots), most(window, bots)] == [right, right]
        new = few_write_most(500)
        put(new, instance=str(turn))
        said += new


def test_where_all_write_as_much_everybody_is_counted(database: None) -> None:
    said = [Said(START + day * DAY, user_id=f"u{number:03}") for day in range(30) for number in range(130)]
    put(said)
    window = Window(START, START + 30 * DAY)

    assert candidates([1], window, LIMIT) is None
    assert most(window) == most(window) == expected(said, window)


def test_page_after_goes_on_where_the_first_ends(chat: list[Said]) -> None:
    first = top_users([1], WINDOW, 5)
    second = top_users([1], WINDOW, 5, Cursor.read(first.next or ""))
    assert [user.user_id for user in (*first.users, *second.users)] == [one for one, _ in expected(chat)[:10]]


def test_one_who_is_forgotten_is_in_no_list(chat: list[Said]) -> None:
    busiest, _ = most()[0]
    before = Known(BUSIEST, [1])

    retention.forget(busiest, [1])
    before.keep(Window(START, START + DAY), f'[["{busiest}",9]]', messages=9)
    right = most()

    assert right[0] == expected([one for one in chat if one.user_id != busiest])[0]
    assert not models.KnownBusiest.select().where(models.KnownBusiest.busiest.contains(busiest)).exists()


def test_nobody_who_is_being_forgotten_is_written_into_a_list(database: None) -> None:
    Known(BUSIEST, [1]).keep(Window(START, START + DAY), '[["mallory",9]]', messages=9)
    writing = threading.Thread(target=write_elsewhere)

    with db.writing():
        models.KnownUsers.note_erasure()
        writing.start()
        # It waits for this transaction; a second is what it would need if it didn't.
        writing.join(1)
    writing.join()

    assert models.KnownBusiest.select().count() == 0


def write_elsewhere() -> None:
    with db.connected():
        known.write(NOW)


def test_rebuild_asks_anew(chat: list[Said]) -> None:
    most()
    models.KnownBusiest.update(busiest="[]").execute()

    rollups.rebuild()

    assert most() == expected(chat)
