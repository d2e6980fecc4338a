"""A reader's stream: each message once and in order, whatever other readers, writers or networks do."""

import os
import socket
import threading
from collections.abc import Iterator

import peewee
import pytest

from botwatch_collector import clock, counters, db, models, stream
from botwatch_collector.errors import (
    BotwatchError,
    InvalidParameter,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from botwatch_collector.stream import reading, subscription
from botwatch_collector.stream.tailer import Window

from .streams import NOW, PLENTY, InBackground, add_bots, be, listening, say


@pytest.fixture
def bots(database: None) -> list[int]:
    counters.take()
    return add_bots("shop", "news")


@pytest.fixture
def ending() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def tail(bots: list[int], ending: threading.Event) -> stream.Tailer:
    return started(ending)


def started(ending: threading.Event, window: Window | None = None) -> stream.Tailer:
    made = stream.Tailer(poll_s=0.01, window=window)
    made.close_when(ending.is_set)
    return made


def counted(name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in labels): count
        for (counter, labels), count in counters.take().items()
        if counter == name
    }


def numbers(count: int, first: int = 0) -> list[str]:
    return [str(number) for number in range(first, first + count)]


# What a reader gets


def test_reader_without_a_cursor_gets_what_is_new(bots: list[int], tail: stream.Tailer) -> None:
    say(bots[0], "before")
    with listening(tail, bots) as read:
        say(bots[0], "after")

        assert read.texts(1) == ["after"]


def test_reader_comes_back_to_exactly_where_it_was(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        say(bots[0], "1", "2", "3")
        assert read.texts(2) == ["1", "2"]
    say(bots[1], "4")
    with listening(tail, bots, read.last_id) as read:
        say(bots[0], "5")

        assert read.texts(3) == ["3", "4", "5"]


def test_connection_lost_before_the_first_message_loses_none(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        pass
    say(bots[0], "while away")

    with listening(tail, bots, read.last_id) as read:
        assert read.texts(1) == ["while away"]


def test_everything_stored_can_be_read_from_the_beginning(bots: list[int], tail: stream.Tailer) -> None:
    say(bots[0], *numbers(1_200))

    with listening(tail, bots, 0) as read:
        assert read.texts(1_200) == numbers(1_200)


def test_each_reader_gets_what_it_asked_for(bots: list[int], tail: stream.Tailer) -> None:
    with (
        listening(tail, [bots[0]]) as shop,
        listening(tail, bots, direction="out") as answers,
        listening(tail, bots, user="alice", channel="web") as alice,
    ):
        say(bots[0], "a", user_id="alice")
        say(bots[1], "b", user_id="alice", channel="web")
        say(bots[0], "c", user_id="bob", direction="out")
        say(bots[0], "end", user_id="alice", channel="web", direction="out")

        assert shop.texts(3) == ["a", "c", "end"]
        assert answers.texts(2) == ["c", "end"]
        assert alice.texts(2) == ["b", "end"]


def test_filtered_reader_catches_up_past_what_it_does_not_want(
    bots: list[int], tail: stream.Tailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_IDS_AT_ONCE", 10)
    say(bots[0], *numbers(95), user_id="bob")
    say(bots[0], "for alice", user_id="alice")

    with listening(tail, bots, 0, user="alice") as read:
        assert read.texts(1) == ["for alice"]


def test_quiet_stream_is_pinged_and_its_id_moves_on(
    bots: list[int], tail: stream.Tailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PING_S", 0)
    with listening(tail, bots, user="alice") as read:
        say(bots[0], "for bob", user_id="bob")
        while read.last_id < stream.latest_id():
            read.take()

    assert read.raw.endswith(b": ping\n\n")


# Many writers, many readers


def test_concurrent_writers_and_reconnecting_readers_lose_and_double_nothing(
    bots: list[int], ending: threading.Event
) -> None:
    writers, each = 4, 150
    tails = [started(ending, Window(frames=20)), started(ending)]

    def write(number: int) -> None:
        with db.connected():
            for text in numbers(each, first=number * each):
                say(bots[number % 2], text, instance=str(number))

    def read(number: int) -> list[int]:
        """Comes back every few messages, now to one process and then to the other."""
        ids: list[int] = []
        with db.connected():
            while (missing := writers * each - len(ids)) > 0:
                with listening(tails[len(ids) % 2], bots, ids[-1] if ids else 0) as stream_now:
                    ids += [data["id"] for data in stream_now.next(min(17 + number, missing))]
        return ids

    readers = [InBackground(read, number) for number in range(3)]
    for writing in [InBackground(write, number) for number in range(writers)]:
        writing.result()

    stored = [message.id for message in models.Message.select().order_by(models.Message.id)]
    assert len(stored) == writers * each
    for reader in readers:
        assert reader.result() == stored


def test_reader_far_behind_is_caught_up_without_holding_the_others(
    bots: list[int], ending: threading.Event
) -> None:
    tail = started(ending, Window(frames=10))
    with listening(tail, bots) as slow, listening(tail, bots) as quick:
        for number in range(60):
            say(bots[0], str(number))
            assert quick.texts(1) == [str(number)]

        assert slow.texts(60) == numbers(60)


def test_memory_of_frames_is_bounded_by_bytes_too(bots: list[int], ending: threading.Event) -> None:
    tail = started(ending, Window(size_bytes=50_000))
    with listening(tail, bots) as slow, listening(tail, bots) as quick:
        for number in range(20):
            say(bots[0], f"{number:05}" * 2_000)
            quick.next(1)

        assert sum(len(frame.encoded) for frame in tail._frames) <= 50_000
        assert [data["message_text"][:5] for data in slow.next(20)] == [f"{n:05}" for n in range(20)]


def test_what_a_user_has_hidden_is_not_kept_for_who_comes_back(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots, channels=("messages", "presence")) as read:
        # The tailer looks by now: what comes is kept in memory.
        say(bots[0], "0")
        read.next(1)
        be(bots[0], status="busy")
        be(bots[0], user="bob", status="busy")
        told, bob = read.next(2)
        be(bots[0], at=NOW + 1, show_status=False)
        (hidden,) = read.next(1)

        news = tail.after(told["id"] - 1, tail.resets, 30)

    assert news is not None and news.frames is not None
    assert [frame.id for frame in news.frames] == [bob["id"], hidden["id"]]


def test_waiting_readers_hold_no_connection(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        waiting = InBackground(read.texts, 1)
        say(bots[0], "hello")
        waiting.result()
        held = set(db.database._in_use)
        again = InBackground(read.texts, 1)
        assert again.is_alive()
        assert db.database._in_use.keys() <= held | {db.database.conn_key(db.database.connection())}
        say(bots[0], "hello again")
        assert again.result() == ["hello again"]


def test_tailer_stops_with_its_last_reader(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots):
        thread = tail._thread
        assert thread is not None
    thread.join(10)

    assert not thread.is_alive()
    assert tail.readers == 0


def test_stream_that_was_never_read_counts_no_longer_once_closed(
    bots: list[int], tail: stream.Tailer
) -> None:
    hub = stream.Hub(tail)
    made = stream.subscribe(lambda: bots, stream.Filters(), None, PLENTY, hub=hub)
    made.close()
    made.close()

    assert (tail.readers, hub.readers) == (0, 0)


@pytest.mark.parametrize(
    ("seat", "refusal", "reason"),
    [
        (stream.Seat("bob", 1, 1), Unavailable, "full"),
        (stream.Seat("anybody", 2, 1), TooManyRequests, "too_many"),
    ],
)
def test_one_reader_more_than_the_limit_is_asked_to_come_back(
    bots: list[int], tail: stream.Tailer, seat: stream.Seat, refusal: type[BotwatchError], reason: str
) -> None:
    hub = stream.Hub(tail)
    with listening(hub, bots), pytest.raises(refusal) as refused:
        stream.subscribe(lambda: bots, stream.Filters(), None, seat, hub=hub)

    assert refused.value.retry_after_s
    assert counted("botwatch_stream_dropped_total") == {(reason,): 1}
    stream.subscribe(lambda: bots, stream.Filters(), None, seat, hub=hub).close()


def test_limit_of_one_token_is_not_that_of_another(bots: list[int], tail: stream.Tailer) -> None:
    hub = stream.Hub(tail)
    with listening(hub, bots):
        stream.subscribe(lambda: bots, stream.Filters(), None, stream.Seat("bob", 2, 1), hub=hub).close()


# Access


def test_mallory_sees_nothing_of_a_bot_that_is_not_hers(bots: list[int], tail: stream.Tailer) -> None:
    shop, news = bots
    say(shop, "old secret")
    with listening(tail, [news], 0) as caught_up, listening(tail, [news]) as live:
        say(shop, "secret")
        say(news, "public")

        assert caught_up.texts(1) == ["public"]
        assert live.texts(1) == ["public"]
    assert b"secret" not in caught_up.raw + live.raw


def test_first_message_of_a_bot_added_meanwhile_is_not_missed(bots: list[int], tail: stream.Tailer) -> None:
    def all_bots() -> list[int]:
        return [bot.id for bot in models.Bot.select()]

    with listening(tail, all_bots) as live, listening(tail, all_bots, 0) as caught_up:
        (added,) = add_bots("added")
        say(added, "my first words")

        assert live.texts(1) == ["my first words"]
        assert caught_up.texts(1) == ["my first words"]


def test_stream_ends_when_its_reader_loses_access(
    bots: list[int], tail: stream.Tailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "_CHECK_S", 0)
    revoked = threading.Event()

    def ask() -> list[int]:
        if revoked.is_set():
            raise Unauthorized("the token was revoked")
        return bots

    with listening(tail, ask) as read:
        say(bots[0], "still allowed")
        assert read.texts(1) == ["still allowed"]
        revoked.set()
        say(bots[0], "secret")

        assert read.texts(1) == []
    assert counted("botwatch_stream_dropped_total") == {("access",): 1}


# Ends and troubles


def test_streams_end_soon_when_the_process_is_told_to(
    bots: list[int], tail: stream.Tailer, ending: threading.Event
) -> None:
    with listening(tail, bots) as read:
        waiting = InBackground(read.next, 1)
        ending.set()

        assert waiting.result(3) == []
    with listening(tail, bots) as read:
        assert read.next(1) == []


def test_cursor_ahead_of_a_restored_database_counts_as_new(bots: list[int], tail: stream.Tailer) -> None:
    say(bots[0], "before")
    with listening(tail, bots, 10**9) as read:
        say(bots[0], "after")

        assert read.texts(1) == ["after"]
        assert read.last_id == stream.latest_id()


def test_stream_goes_on_when_the_database_is_restored_under_it(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        say(bots[0], "lost with the restore")
        read.next(1)
        with db.writing():
            models.Message.delete().execute()
            models.EventSequence.update(reserved_id=0).execute()
        while b"went back to id 0" not in read.raw:
            read.take()
        say(bots[0], "new")

        assert read.texts(1) == ["new"]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "9" * 19, "१", " 1", "1\n", "0x1"])
def test_garbage_as_a_cursor_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameter, match="Last-Event-ID"):
        stream.cursor_of(text)


def test_stream_survives_a_database_that_is_away(
    bots: list[int], tail: stream.Tailer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away, failed = threading.Event(), threading.Event()
    latest_id = reading.latest_id

    def flaky() -> int:
        if away.is_set():
            failed.set()
            raise peewee.OperationalError("the server closed the connection")
        return latest_id()

    monkeypatch.setattr(reading, "latest_id", flaky)
    with listening(tail, bots) as read:
        away.set()
        say(bots[0], "while it was away")
        assert failed.wait(10)
        away.clear()

        assert read.texts(1) == ["while it was away"]
    assert [record.message for record in caplog.records] == [
        "the stream can't read the database; trying again until it can"
    ]


def test_reader_that_hangs_up_is_noticed_without_writing(bots: list[int], tail: stream.Tailer) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, listening(tail, bots, client=stream.Client(ours)) as read:
        waiting = InBackground(read.next, 1)
        theirs.shutdown(socket.SHUT_WR)

        assert waiting.result(5) == []


def test_reader_that_takes_nothing_is_let_go(
    bots: list[int], tail: stream.Tailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "STALLED_S", 0)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    say(bots[0], *("x" * 60_000 for _ in range(40)))
    with ours, theirs, listening(tail, bots, 0, client=stream.Client(ours)) as read:
        sent = 0
        for piece in read.pieces:
            sent += ours.send(piece)

    assert 0 < sent < 40 * 60_000
    assert counted("botwatch_stream_dropped_total") == {("stalled",): 1}


def test_what_is_delivered_is_counted(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        opening = len(read.raw)
        say(bots[0], "1", "2", "3")
        read.next(3)
        sent = len(read.raw) - opening

    found = counters.take()
    assert found[counters.key("botwatch_stream_events_total", channel="messages")] == 3
    assert found[counters.key("botwatch_stream_bytes_total")] == sent


def test_lag_is_from_an_events_arrival_to_the_readers(bots: list[int], tail: stream.Tailer) -> None:
    with listening(tail, bots) as read:
        # What came before the tailer's first look is read from the database, and has no lag of its own.
        say(bots[0], "0")
        read.next(1)
        counters.take()
        say(bots[0], "1", "2")
        read.next(2)

    found = counters.take()
    assert found[counters.key("botwatch_stream_lag_seconds_count")] == 2
    # In these tests messages come at a fixed time of the past.
    least_s = (clock.now() - NOW) / 1_000 - 60
    assert found[counters.key("botwatch_stream_lag_seconds_sum")] >= 2 * least_s > 0


def test_reader_who_has_to_be_caught_up_counts_as_slow(
    bots: list[int], ending: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = stream.Hub(started(ending, Window(frames=1)))
    with listening(hub, bots) as slow:
        with listening(hub, bots) as quick:
            for number in range(5):
                say(bots[0], str(number))
                quick.next(1)
            assert hub.slow_readers == 0
            slow.next(1)
            assert hub.slow_readers == 1
        slow.next(4)
        say(bots[0], "the end")
        slow.next(1)
        assert hub.slow_readers == 0


def test_forked_child_starts_with_no_readers(bots: list[int]) -> None:
    made = stream.subscribe(lambda: bots, stream.Filters(), None, PLENTY)
    assert stream.readers() == 1
    child = os.fork()
    if child == 0:
        os._exit(stream.readers())
    _, status = os.waitpid(child, 0)
    made.close()

    assert os.waitstatus_to_exitcode(status) == 0
