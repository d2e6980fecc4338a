"""Who is there: what bots say and what time makes of it, in whatever order and from whatever host."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from botwatch_collector import db, models, presence
from botwatch_collector.clock import SECOND
from botwatch_collector.config import Config, Timeouts
from botwatch_collector.errors import NotFound
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header
from botwatch_collector.presence.people import ago

from .streams import NOW, InBackground, add_bots, be

TIMES = Timeouts(away_s=300, offline_s=900, typing_s=10)
AWAY, OFFLINE, TYPING = 300 * SECOND, 900 * SECOND, 10 * SECOND


@pytest.fixture(scope="module")
def shared(shared_database_url: str) -> Iterator[None]:
    """One database for all of these tests."""
    opened = db.connect(shared_database_url)
    with db.connected():
        yield
    opened.close_all()


@pytest.fixture
def bots(shared: None) -> list[int]:
    """Two bots whose users nobody has seen yet."""
    for table in (models.Presence, models.PresenceNow, models.Instance, models.Bot):
        table.delete().execute()
    return add_bots("shop", "news")


def seen(bots: list[int], user: str = "alice", now: int = NOW) -> presence.PresenceInfo:
    return presence.person(user, bots, now, TIMES)


def status(bots: list[int], user: str = "alice", now: int = NOW) -> str | None:
    return seen(bots, user, now).online_status


def told(user: str = "alice") -> list[tuple[str, str | None]]:
    """What the stream has told of a user, in order."""
    row = models.Presence
    rows: Any = row.select(row.change, row.status).where(row.user_id == user).order_by(row.id).tuples()
    return list(rows)


def job(now: int) -> bool:
    return presence.time_out(Config(database="", presence=TIMES), now)


# What was said


@pytest.mark.parametrize("said", ["online", "away", "busy", "dnd", "offline"])
def test_user_is_what_the_bot_says(bots: list[int], said: str) -> None:
    be(bots[0], status=said)

    assert status(bots) == said


def test_presence_tells_all_that_was_said(bots: list[int]) -> None:
    be(bots[0], status="busy", message="at lunch", page="/menu", device="web", user_name="Alice", typing=True)

    assert seen(bots) == presence.PresenceInfo(
        user_id="alice",
        bot="shop",
        user_name="Alice",
        online_status="busy",
        last_seen="2026-09-21T14:13:20.000Z",
        last_seen_text="just now",
        custom_message="at lunch",
        typing=True,
        current_page="/menu",
        device="web",
        show_status=True,
    )


def test_what_is_left_out_stays_and_an_empty_text_ends_it(bots: list[int]) -> None:
    be(bots[0], status="busy", message="at lunch", page="/menu")
    be(bots[0], at=NOW + 1, page="")

    assert (seen(bots).online_status, seen(bots).custom_message) == ("busy", "at lunch")
    assert seen(bots).current_page is None


def test_newest_word_wins_however_late_another_comes(bots: list[int]) -> None:
    be(bots[0], at=NOW, status="busy", message="new")
    be(bots[0], at=NOW - 60_000, received_at=NOW + 1, status="online", message="old")

    assert (seen(bots).online_status, seen(bots).custom_message) == ("busy", "new")
    assert told() == [("status", "busy")]


def test_words_in_one_batch_count_by_their_times(bots: list[int]) -> None:
    store_events(bots[0], [(NOW, {"status": "dnd"}), (NOW - 5, {"status": "online"})])

    assert status(bots) == "dnd"


def test_typing_does_not_make_a_late_status_older(bots: list[int]) -> None:
    be(bots[0], at=NOW, typing=True)
    be(bots[0], at=NOW - 1, status="busy", received_at=NOW + 1)

    assert status(bots) == "online"
    be(bots[0], at=NOW + 1, typing=True)
    be(bots[0], at=NOW, status="busy", received_at=NOW + 2)

    assert status(bots) == "busy"


def test_sign_of_life_brings_back_who_left(bots: list[int]) -> None:
    be(bots[0], status="offline")
    be(bots[0], at=NOW + 1, page="/")

    assert status(bots) == "online"


def test_resent_batch_changes_nothing(bots: list[int]) -> None:
    events = [(NOW, {"status": "online", "typing": True})]
    store_events(bots[0], events, seq=1)
    before = rows()
    store_events(bots[0], events, seq=1)

    assert rows() == before


def test_user_of_two_bots_is_where_they_were_seen_last(bots: list[int]) -> None:
    be(bots[0], at=NOW, status="busy")
    be(bots[1], at=NOW + 1, status="online")

    assert (seen(bots).bot, status(bots), status(bots[:1])) == ("news", "online", "busy")


def test_unknown_user_is_not_found(bots: list[int]) -> None:
    be(bots[0], status="online")

    with pytest.raises(NotFound):
        seen(bots[1:])


# What time makes of it


@pytest.mark.parametrize(
    ("said", "after_ms", "expected"),
    [
        ("online", AWAY - 1, "online"),
        ("online", AWAY, "away"),
        ("busy", AWAY, "busy"),
        ("dnd", OFFLINE - 1, "dnd"),
        ("online", OFFLINE, "offline"),
        ("busy", OFFLINE, "offline"),
        ("offline", 0, "offline"),
    ],
)
def test_status_holds_for_its_time(bots: list[int], said: str, after_ms: int, expected: str) -> None:
    be(bots[0], status=said)

    assert status(bots, now=NOW + after_ms) == expected
    listed = presence.online(bots, NOW + after_ms, TIMES, 10)
    assert [one.online_status for one in listed.users] == ([] if expected == "offline" else [expected])
    counted = presence.counts(bots, NOW + after_ms, TIMES)
    assert counted == ({} if expected == "offline" else {(bots[0], expected): 1})


def test_repeated_status_keeps_the_user_there(bots: list[int]) -> None:
    be(bots[0], status="online")
    be(bots[0], at=NOW + AWAY - 1, status="online")

    assert status(bots, now=NOW + AWAY + 1) == "online"


def test_what_comes_out_of_an_outage_is_as_old_as_it_is(bots: list[int]) -> None:
    be(bots[0], at=NOW - OFFLINE, received_at=NOW, status="online", typing=True)

    assert (status(bots), seen(bots).typing) == ("offline", False)
    assert seen(bots).last_seen_text == "15 minutes ago"
    assert told() == []


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 3_600_000])
def test_wrong_clock_of_a_bot_does_not_count(bots: list[int], ahead_ms: int) -> None:
    be(bots[0], at=NOW + ahead_ms, received_at=NOW, sent_at=NOW + ahead_ms, status="online", typing=True)

    assert (status(bots), seen(bots).typing) == ("online", True)
    assert status(bots, now=NOW + AWAY) == "away"


def test_typing_ends_by_itself(bots: list[int]) -> None:
    be(bots[0], typing=True)

    assert seen(bots, now=NOW + TYPING - 1).typing
    assert not seen(bots, now=NOW + TYPING).typing


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "just now"),
        (4_999, "just now"),
        (5_000, "5 seconds ago"),
        (60_000, "1 minute ago"),
        (300_000, "5 minutes ago"),
        (7_200_000, "2 hours ago"),
        (3 * 86_400_000, "3 days ago"),
    ],
)
def test_last_seen_is_told_as_a_person_says_it(ms: int, words: str) -> None:
    assert ago(ms) == words


# What is told to those who watch


def test_only_changes_are_told(bots: list[int]) -> None:
    for step, said in enumerate(["online", "online", "busy", "busy", "online"]):
        be(bots[0], at=NOW + step, status=said)

    assert told() == [("status", "online"), ("status", "busy"), ("status", "online")]


def test_new_message_is_a_change(bots: list[int]) -> None:
    be(bots[0], status="busy", message="at lunch")
    be(bots[0], at=NOW + 1, status="busy", message="at lunch")
    be(bots[0], at=NOW + 2, status="busy", message="in a meeting")

    assert len(told()) == 2


def test_typing_is_told_each_time_and_its_end_once(bots: list[int]) -> None:
    be(bots[0], status="online")
    for step, typing in enumerate([False, True, True, False, False], 1):
        be(bots[0], at=NOW + step, typing=typing)

    assert [change for change, _ in told()] == ["status", "typing", "typing", "typing"]


def test_status_and_typing_of_one_event_are_both_told(bots: list[int]) -> None:
    be(bots[0], status="online", typing=True)

    assert [change for change, _ in told()] == ["status", "typing"]


def test_job_tells_who_is_away_and_who_is_gone_once(bots: list[int]) -> None:
    be(bots[0], status="online")
    be(bots[0], user="bob", status="busy")

    for after_ms in (AWAY - 1, AWAY, AWAY + 1, OFFLINE, OFFLINE + 1):
        assert not job(NOW + after_ms)

    assert told() == [("status", "online"), ("status", "away"), ("status", "offline")]
    assert told("bob") == [("status", "busy"), ("status", "offline")]


def test_who_was_away_is_told_to_be_back(bots: list[int]) -> None:
    be(bots[0], status="online")
    job(NOW + AWAY)
    be(bots[0], at=NOW + AWAY + 1, received_at=NOW + AWAY + 1, status="online")

    assert told()[1:] == [("status", "away"), ("status", "online")]


def test_many_whose_time_runs_out_are_told_in_steps(bots: list[int]) -> None:
    store_events(bots[0], [(NOW, {"user_id": f"u{number}", "status": "online"}) for number in range(1_100)])

    steps = [job(NOW + OFFLINE) for _ in range(4)]

    assert steps == [True, True, False, False]
    assert models.Presence.select().where(models.Presence.status == "offline").count() == 1_100


def test_several_hosts_tell_each_timeout_once(bots: list[int]) -> None:
    store_events(bots[0], [(NOW, {"user_id": f"u{number}", "status": "online"}) for number in range(50)])

    def host() -> None:
        with db.connected():
            job(NOW + OFFLINE)

    for one in [InBackground(host) for _ in range(4)]:
        one.result()

    assert models.Presence.select().where(models.Presence.status == "offline").count() == 50


# Who hides


def test_hidden_user_shows_nothing(bots: list[int]) -> None:
    be(bots[0], status="busy", message="at lunch", page="/menu", user_name="Alice")
    be(bots[0], at=NOW + 1, show_status=False)

    assert seen(bots) == presence.PresenceInfo(user_id="alice", show_status=False)
    assert presence.online(bots, NOW, TIMES, 10).count == 0
    assert presence.counts(bots, NOW, TIMES) == {}
    assert presence.hidden_users(bots, ["alice", "bob"]) == {"alice"}


def test_what_was_told_is_taken_back(bots: list[int]) -> None:
    be(bots[0], status="busy", typing=True)
    be(bots[0], at=NOW + 1, show_status=False)
    be(bots[0], at=NOW + 2, status="online", typing=True)
    job(NOW + OFFLINE)

    assert told() == [("hidden", None)]
    row = models.Presence.get()
    assert (row.user_name, row.seen_at, row.page, row.device) == (None, None, None, None)


def test_what_comes_before_the_hiding_in_a_batch_is_not_told(bots: list[int]) -> None:
    store_events(
        bots[0], [(NOW, {"status": "busy"}), (NOW + 1, {"show_status": False}), (NOW + 2, {"status": "dnd"})]
    )

    assert told() == [("hidden", None)]


def test_who_shows_themselves_again_is_told_as_they_are(bots: list[int]) -> None:
    be(bots[0], show_status=False)
    be(bots[0], at=NOW + 1, status="busy")
    be(bots[0], at=NOW + 2, show_status=True)

    assert status(bots) == "busy"
    assert told() == [("hidden", None), ("status", "busy")]


def test_older_setting_does_not_overturn_a_newer(bots: list[int]) -> None:
    be(bots[0], at=NOW, status="online", show_status=False)
    be(bots[0], at=NOW - 1, show_status=True, received_at=NOW + 1)

    assert not seen(bots).show_status


def test_setting_is_no_sign_of_life(bots: list[int]) -> None:
    be(bots[0], show_status=True)

    assert (status(bots), seen(bots).last_seen, seen(bots).last_seen_text) == ("offline", None, "never")


def test_hiding_from_one_bot_leaves_the_other(bots: list[int]) -> None:
    be(bots[0], at=NOW + 1, status="busy")
    be(bots[1], status="online")
    presence.set_shown("alice", False, bots[:1], NOW + 2, TIMES)

    assert (seen(bots).bot, status(bots)) == ("news", "online")
    assert not seen(bots[:1]).show_status


def test_setting_of_an_unknown_user_counts_from_the_start(bots: list[int]) -> None:
    assert not presence.set_shown("alice", False, bots[:1], NOW, TIMES).show_online_status
    be(bots[0], at=NOW + 1, status="online")

    assert not seen(bots).show_status


def test_setting_of_nobody_known_to_several_bots_is_not_found(bots: list[int]) -> None:
    with pytest.raises(NotFound):
        presence.set_shown("nobody", False, bots, NOW, TIMES)


def store_events(bot: int, events: list[tuple[int, dict[str, Any]]], seq: int = 1) -> None:
    plain = [
        {"kind": "presence", "ts": at, "seq": seq + place, "user_id": "alice"} | fields
        for place, (at, fields) in enumerate(events)
    ]
    batch = Batch(Header(v=1, instance="batches"), msgspec.convert(plain, list[AnyEvent]))
    store([Incoming(bot, batch, NOW)], TIMES)


def rows() -> list[tuple[Any, ...]]:
    return [*models.Presence.select().tuples(), *models.PresenceNow.select().tuples()]
