"""The streamer's loop, stepped: who gets what, whatever their sockets, cursors and rights are like."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botwatch.cli.sse import FrameReader
from botwatch_collector import counters, db, models, stream
from botwatch_collector.access import Credential
from botwatch_collector.stream import reading
from botwatch_collector.stream.tailer import Window
from botwatch_collector.streamer import Door, Interest, Passed, catching_up, loop
from botwatch_collector.streamer.loop import Caps, Loop

from .streams import act, add_bots, beat, let_streams_end, say

HEAD = b"HTTP/1.1 200 OK\r\n"
DEADLINE_S = 30


class Client:
    """The other end of a passed connection; `ended` when the streamer has closed it."""

    def __init__(self) -> None:
        self.theirs, self.ours = socket.socketpair()
        self.ours.setblocking(False)
        self.raw = b""
        self.events: list[dict[str, Any]] = []
        self.ended = False
        self._reader = FrameReader()
        self._body = b""

    @property
    def texts(self) -> list[str]:
        self.read()
        return [event["message_text"] for event in self.events]

    @property
    def last_id(self) -> int:
        self.read()
        return int(self._reader.last_id or 0)

    def read(self) -> None:
        """Take what has arrived."""
        while not self.ended:
            try:
                data = self.ours.recv(1 << 16)
            except BlockingIOError:
                return
            self.ended = not data
            self.raw += data
            self._take(data)

    def _take(self, data: bytes) -> None:
        if not self._body:
            if b"\r\n\r\n" not in self.raw:
                return
            self._body = data = self.raw.partition(b"\r\n\r\n")[2]
        for frame in self._reader.feed(data):
            self.events.append(json.loads(frame.data))


def passed(who: str, interest: Interest, cursor: int | None = None, chunked: bool = False) -> Passed:
    return Passed(who, Credential("token", who), interest, stream.start_of(cursor), HEAD, chunked)


class Stage:
    """A loop with its door, turned until something is so."""

    def __init__(self, caps: Caps, window: Window | None) -> None:
        self.door = Door()
        self.ending = threading.Event()
        self.loop = Loop(self.door, caps, lambda wake: self._tailer(wake, window))
        self.clients: list[Client] = []

    def _tailer(self, wake: Callable[[], None], window: Window | None) -> stream.Tailer:
        tailer = stream.Tailer(poll_s=0.01, rest_s=0, window=window, on_change=wake)
        tailer.close_when(self.ending.is_set)
        return tailer

    def enter(
        self,
        cursor: int | None = None,
        *,
        bots: list[int] | None = None,
        who: str = "alice",
        chunked: bool = False,
        **filters: Any,
    ) -> Client:
        """A new reader, who has got the beginning of his stream."""
        client = Client()
        interest = Interest(stream.Filters(**filters), None if bots is None else frozenset(bots))
        with client.theirs:
            self.door.pass_on(client.theirs, passed(who, interest, cursor, chunked))
        self.clients.append(client)
        self.until(lambda: client.read() or client.raw)
        return client

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            self.loop.turn(0.01)

    def end(self) -> None:
        self.ending.set()
        self.loop.close()
        self.loop._catching_up._threads.shutdown(wait=True)
        let_streams_end()
        self.loop._epoll.close()
        os.close(self.loop._changed)
        self.door.close()
        for client in self.clients:
            client.ours.close()


@pytest.fixture
def bots(database: None) -> list[int]:
    counters.take()
    return add_bots("shop", "news")


@pytest.fixture
def staged(bots: list[int]) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(streams: int = 1_000, each: int = 1_000, window: Window | None = None) -> Stage:
        stages.append(Stage(Caps(streams, each), window))
        return stages[-1]

    yield make
    for stage in stages:
        stage.end()


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    return staged()


def numbers(count: int, first: int = 0) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def counted(name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in labels): count
        for (counter, labels), count in counters.take().items()
        if counter == name
    }


# What a reader gets


def test_reader_gets_what_is_new_after_the_head_of_the_answer(bots: list[int], stage: Stage) -> None:
    say(bots[0], "before")
    client = stage.enter()
    say(bots[0], "1", "2")
    say(bots[1], "3")
    stage.until(lambda: client.texts == ["1", "2", "3"])

    assert client.raw.startswith(HEAD + b"\r\nretry: ")
    assert counted("botwatch_stream_events_total") == {("messages",): 3}


def test_reader_comes_back_to_exactly_where_it_was(bots: list[int], stage: Stage) -> None:
    say(bots[0], "1", "2", "3")
    first = stage.enter(0)
    stage.until(lambda: first.texts == ["1", "2", "3"])
    again = stage.enter(first.events[0]["id"])
    say(bots[0], "4")

    stage.until(lambda: again.texts == ["2", "3", "4"])


def test_each_reader_gets_what_it_asked_for_and_may_see(bots: list[int], stage: Stage) -> None:
    shop, news = bots
    readers = {
        "acd": stage.enter(bots=[shop]),
        "bd": stage.enter(user="alice", channel="web"),
        "cd": stage.enter(direction="out"),
        "abcd": stage.enter(),
    }
    say(shop, "a", user_id="alice")
    say(news, "b", user_id="alice", channel="web")
    say(shop, "c", user_id="bob", direction="out")
    say(shop, "d", user_id="alice", channel="web", direction="out")

    for wanted, client in readers.items():
        stage.until(lambda client=client, wanted=wanted: client.texts == list(wanted))
    caught_up = stage.enter(0, bots=[news])
    stage.until(lambda: caught_up.texts == ["b"])


def test_client_of_http_1_1_gets_a_chunk_for_each_frame(bots: list[int], stage: Stage) -> None:
    client = stage.enter(chunked=True)
    say(bots[0], "1", "2")
    # To a reader of events, the lines of chunked encoding are fields that it doesn't know.
    stage.until(lambda: client.texts == ["1", "2"])
    stage.loop.end_those_of({Credential("token", "alice")})
    stage.until(lambda: client.read() or client.ended)

    body, chunks = client.raw.partition(b"\r\n\r\n")[2], []
    while body:
        size, _, body = body.partition(b"\r\n")
        chunks.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    assert [chunk.count(b"data: ") for chunk in chunks] == [0, 1, 1, 0]
    assert chunks[-1] == b""


def test_quiet_stream_is_pinged_and_its_id_moves_on(
    bots: list[int], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "PING_S", 0)
    monkeypatch.setattr(loop, "_TICK_S", 0)
    client = stage.enter(user="alice")
    say(bots[0], "for bob", user_id="bob")

    stage.until(lambda: client.last_id == stream.latest_id())
    assert client.raw.endswith(b": ping\n\n")
    assert counted("botwatch_stream_events_total") == {}


def test_filtered_reader_is_caught_up_past_what_it_does_not_want(
    bots: list[int], staged: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_IDS_AT_ONCE", 10)
    say(bots[0], *numbers(95), user_id="bob")
    say(bots[0], "for alice", user_id="alice")
    stage = staged()
    client = stage.enter(0, user="alice")

    stage.until(lambda: client.texts == ["for alice"])


def test_activities_and_messages_come_in_one_order(bots: list[int], stage: Stage) -> None:
    say(bots[0], "1")
    client = stage.enter(0, channels=("messages", "activity"))
    act(bots[0], "signed up")
    say(bots[0], "2")
    stage.until(lambda: client.read() or len(client.events) == 3)

    assert [event["kind"] for event in client.events] == ["message", "activity", "message"]


def test_present_state_is_told_at_once_and_again_when_it_is_another(bots: list[int], stage: Stage) -> None:
    beat(bots[0])
    clients = [stage.enter(channels=("health",), bots=[bots[0]]), stage.enter(channels=("health",))]
    news = stage.enter(channels=("health",), bots=[bots[1]])
    for client in clients:
        stage.until(lambda client=client: client.read() or client.events)
    told = len(clients[0].events)
    latecomer = stage.enter(channels=("health",), bots=[bots[0]])
    stage.until(lambda: latecomer.read() or latecomer.events)
    beat(bots[0], stopping=True)
    for client in (*clients, latecomer):
        stage.until(lambda client=client: client.read() or "stopped" in str(client.events[-1]))

    assert told == 1
    assert len(clients[0].events) == len(latecomer.events) == 2
    assert all(event["bot"] == "news" for event in news.events)


# Cursors behind and ahead


def test_reader_far_behind_gets_everything_from_the_database(
    bots: list[int], staged: Callable[..., Stage]
) -> None:
    say(bots[0], *numbers(1_200))
    stage = staged(window=Window(frames=10))
    clients = [stage.enter(cursor) for cursor in (0, 0, 700)]
    say(bots[0], "live")

    for client, missing in zip(clients, (0, 0, 700), strict=True):
        expected = [*numbers(1_200 - missing, missing), "live"]
        stage.until(lambda client=client, expected=expected: client.texts == expected)


def test_more_than_the_tailer_keeps_between_two_passes_is_read_again(
    bots: list[int], staged: Callable[..., Stage]
) -> None:
    stage = staged(window=Window(frames=5))
    clients = [stage.enter(), stage.enter(user="u1")]
    say(bots[0], *numbers(300))
    deadline = time.monotonic() + DEADLINE_S
    while stage.loop._tailer.position != stream.latest_id():
        assert time.monotonic() < deadline

    for client in clients:
        stage.until(lambda client=client: client.texts == numbers(300))


def test_cursor_ahead_of_the_tailer_sees_nothing_twice(
    bots: list[int], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = stage.enter()
    say(bots[0], "1")
    stage.until(lambda: other.texts == ["1"])
    tailers_view, latest_id = stream.latest_id(), reading.latest_id
    monkeypatch.setattr(reading, "latest_id", lambda: tailers_view)
    say(bots[0], "2", "3")
    client = stage.enter(latest_id() - 1)
    assert client.last_id == latest_id() - 1
    monkeypatch.setattr(reading, "latest_id", latest_id)
    say(bots[0], "4")

    stage.until(lambda: other.texts == ["1", "2", "3", "4"])
    stage.until(lambda: client.texts == ["3", "4"])


def test_streams_go_on_when_the_database_is_restored_under_them(bots: list[int], stage: Stage) -> None:
    clients = [stage.enter(), stage.enter(user="u1")]
    say(bots[0], "lost with the restore")
    for client in clients:
        stage.until(lambda client=client: len(client.texts) == 1)
    with db.writing():
        models.Message.delete().execute()
        models.EventSequence.update(reserved_id=0).execute()
    for client in clients:
        stage.until(lambda client=client: client.read() or b"went back to id 0" in client.raw)
    say(bots[0], "new")

    for client in clients:
        stage.until(lambda client=client: client.texts[1:] == ["new"])


def test_readers_behind_wait_for_a_database_that_is_away(
    bots: list[int], stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    say(bots[0], *numbers(3))
    monkeypatch.setattr(catching_up, "_RETRY_S", 0.01)
    real, failures = catching_up.read, []

    def fail(*_: Any) -> Any:
        failures.append(1)
        raise OSError("the server closed the connection")

    monkeypatch.setattr(catching_up, "read", fail)
    client = stage.enter(0)
    stage.until(lambda: len(failures) > 3)
    monkeypatch.setattr(catching_up, "read", real)

    stage.until(lambda: client.texts == numbers(3))
    assert len(caplog.records) == 1


# Slow readers


def test_readers_who_stop_reading_cost_others_nothing_and_are_exact_later(
    bots: list[int], staged: Callable[..., Stage]
) -> None:
    stage = staged(window=Window(frames=20))
    slow = [stage.enter(chunked=number % 2 == 0) for number in range(50)]
    quick = [stage.enter() for _ in range(50)]
    texts = [f"{number:04}" * 500 for number in range(400)]
    for start in range(0, len(texts), 4):
        say(bots[0], *texts[start : start + 4])
        stage.until(lambda told=start + 4: all(len(client.texts) == told for client in quick))

    assert len(stage.loop._blocked) == 50
    assert max(len(reader.rest) for reader in stage.loop._readers.values()) < 3_000
    assert all(client.texts == texts for client in quick)
    stage.until(lambda: all(len(client.texts) >= 400 for client in slow))
    assert all(client.texts == texts for client in slow)


def test_reader_who_takes_nothing_is_let_go(
    bots: list[int], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "STALLED_S", 0)
    monkeypatch.setattr(loop, "_TICK_S", 0)
    say(bots[0], *("x" * 60_000 for _ in range(40)))
    stage.enter(0)

    stage.until(lambda: stage.loop.readers == 0)
    assert counted("botwatch_stream_dropped_total") == {("stalled",): 1}


# Coming and going


def test_reader_who_hangs_up_is_noticed_and_the_tailer_ends_with_the_last(
    bots: list[int], stage: Stage
) -> None:
    clients = [stage.enter(), stage.enter()]
    clients[0].ours.close()
    stage.until(lambda: stage.loop.readers == 1)
    tail = stage.loop._tailer._thread
    assert tail is not None
    clients[1].ours.shutdown(socket.SHUT_WR)
    stage.until(lambda: stage.loop.readers == 0)
    tail.join(DEADLINE_S)

    assert not tail.is_alive()
    assert stage.loop._audiences == {}
    say(bots[0], "while nobody read")
    client = stage.enter()
    say(bots[0], "later")
    stage.until(lambda: client.texts == ["later"])


def test_what_a_reader_sends_is_thrown_away(bots: list[int], stage: Stage) -> None:
    client = stage.enter()
    client.ours.send(b"GET / HTTP/1.1\r\n\r\n" * 1_000)
    say(bots[0], "1")

    stage.until(lambda: client.texts == ["1"])


@pytest.mark.parametrize(
    ("caps", "answer"),
    [({"streams": 2}, ("503", "full")), ({"each": 2}, ("429", "too_many"))],
)
def test_one_reader_more_than_a_cap_is_asked_to_come_back(
    staged: Callable[..., Stage], caps: dict[str, int], answer: tuple[str, str]
) -> None:
    stage = staged(**caps)
    clients = [stage.enter(), stage.enter()]
    refused = stage.enter()

    status, reason = answer
    assert refused.raw.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Retry-After: 5\r\n" in refused.raw
    assert "limit" in json.loads(refused.raw.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert counted("botwatch_stream_dropped_total") == {(reason,): 1}
    clients[0].ours.close()
    stage.until(lambda: stage.loop.readers == 1)
    assert stage.enter().raw.startswith(HEAD)


def test_streams_of_a_lost_credential_end_and_others_go_on(bots: list[int], stage: Stage) -> None:
    his, hers = stage.enter(who="mallory"), stage.enter()
    stage.loop.post(stage.loop.end_those_of, {Credential("token", "mallory")})
    stage.until(lambda: his.read() or his.ended)
    assert counted("botwatch_stream_dropped_total") == {("access",): 1}
    say(bots[0], "secret")

    stage.until(lambda: hers.texts == ["secret"])
    assert his.texts == []


def test_server_that_closes_a_passed_connection_does_not_hurt_its_reader(
    bots: list[int], stage: Stage
) -> None:
    client = Client()
    stage.clients.append(client)
    stage.door.pass_on(client.theirs, passed("alice", Interest(stream.EVERYTHING)))
    with pytest.raises(BrokenPipeError):
        client.theirs.send(b"HTTP/1.1 200 OK\r\n\r\n")
    client.theirs.shutdown(socket.SHUT_RDWR)
    client.theirs.close()
    stage.until(lambda: client.read() or client.raw)
    say(bots[0], "1")

    stage.until(lambda: client.texts == ["1"])


def test_nobody_rings_in_vain_or_waits_at_the_bell(bots: list[int], stage: Stage) -> None:
    client = stage.enter()
    for _ in range(10_000):
        stage.door.ring()
    say(bots[0], "1")

    stage.until(lambda: client.texts == ["1"])
