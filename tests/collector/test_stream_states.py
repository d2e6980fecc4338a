"""States: told when a stream opens and when they change, to those who may know."""

import threading
from collections.abc import Iterator

import pytest

from botwatch_collector import clock, models, stream
from botwatch_collector.analytics.live import Present
from botwatch_collector.stream.channels import STATES, States

from .streams import InBackground, Stream, act, add_bots, beat, listening, say

BOTH = ("metrics", "health")


class Source:
    """What a test says is true at present; `reads` counts the looks at it."""

    def __init__(self) -> None:
        self.states: list[Present] = []
        self.reads = 0

    def read(self, _now: int) -> list[Present]:
        self.reads += 1
        return self.states

    def say(self, bot: int | None, status: str) -> Present:
        return Present(bot, {"bot": bot, "status": status}, status)


@pytest.fixture
def bots(database: None) -> list[int]:
    return add_bots("shop", "news")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def hub(source: Source) -> Iterator[stream.Hub]:
    ending = threading.Event()
    channel = States("health", "health:changed", source.read, period_s=0.01)
    made = stream.Hub(stream.Tailer(poll_s=0.01), stream.Board({"health": channel}))
    made.tailer.close_when(ending.is_set)
    yield made
    ending.set()


def statuses(read: Stream, count: int) -> list[str]:
    return [data["status"] for data in read.next(count)]


def test_present_state_comes_first_and_then_its_changes(
    bots: list[int], hub: stream.Hub, source: Source
) -> None:
    source.states = [source.say(bots[0], "ok")]
    with listening(hub, bots, channels=("health",)) as read:
        assert statuses(read, 1) == ["ok"]
        looked = source.reads
        while source.reads < looked + 3:
            read.take()
        source.states = [source.say(bots[0], "fail")]

        assert statuses(read, 1) == ["fail"]
    assert read.events == ["health:changed"] * 2


def test_who_comes_back_is_told_what_holds_now(bots: list[int], hub: stream.Hub, source: Source) -> None:
    source.states = [source.say(bots[0], "ok")]
    with listening(hub, bots, channels=("health",)) as read:
        assert statuses(read, 1) == ["ok"]
    source.states = [source.say(bots[0], "fail")]

    with listening(hub, bots, read.last_id, channels=("health",)) as again:
        # It was read "ok" a moment ago, and may be told so once more.
        while statuses(again, 1) == ["ok"]:
            pass
    assert b'"status":"fail"' in again.raw


def test_state_has_no_id_and_does_not_disturb_those_of_events(
    bots: list[int], hub: stream.Hub, source: Source
) -> None:
    source.states = [source.say(bots[0], "ok")]
    with listening(hub, bots, channels=("messages", "health")) as read:
        opened_at = read.last_id
        assert statuses(read, 1) == ["ok"]
        assert read.last_id == opened_at
        say(bots[0], "one")
        act(bots[0], "left out")
        say(bots[0], "two")
        assert read.texts(2) == ["one", "two"]
        source.states = [source.say(bots[0], "fail")]
        assert statuses(read, 1) == ["fail"]

    assert read.last_id == stream.latest_id()
    assert b"id:" not in read.raw.partition(b"event: health:changed")[2].partition(b"\n\n")[0]


def test_each_reader_is_told_of_what_it_may_see(bots: list[int], hub: stream.Hub, source: Source) -> None:
    shop, news = bots
    source.states = [source.say(shop, "shop"), source.say(news, "news"), source.say(None, "collector")]
    with (
        listening(hub, [news], channels=("health",)) as mallory,
        listening(hub, [shop, news, None], channels=("health",)) as alice,
    ):
        assert statuses(mallory, 1) == ["news"]
        assert statuses(alice, 3) == ["shop", "news", "collector"]
        source.states[0] = source.say(shop, "secret")
        assert statuses(alice, 1) == ["secret"]
        source.states[1] = source.say(news, "news again")
        assert statuses(mallory, 1) == ["news again"]
    assert b"secret" not in mallory.raw and b"collector" not in mallory.raw


def test_slow_reader_gets_the_latest_state_alone(bots: list[int], hub: stream.Hub, source: Source) -> None:
    with (
        listening(hub, bots, channels=("health",)) as slow,
        listening(hub, bots, channels=("health",)) as quick,
    ):
        for number in range(5):
            source.states = [source.say(bots[0], str(number))]
            assert statuses(quick, 1) == [str(number)]

        assert statuses(slow, 1) == ["4"]


def test_nothing_is_read_while_nobody_wants_to_know(bots: list[int], hub: stream.Hub, source: Source) -> None:
    source.states = [source.say(bots[0], "ok")]
    with listening(hub, bots) as read:
        say(bots[0], "hello")
        assert read.texts(1) == ["hello"]
    assert source.reads == 0

    with listening(hub, bots, channels=("health",)) as read:
        statuses(read, 1)
        thread = hub.board._thread
        assert thread is not None
    thread.join(10)
    assert not thread.is_alive()


def test_trouble_with_a_reading_is_logged_once_and_passes(
    bots: list[int], hub: stream.Hub, source: Source, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(stream.states, "_RETRY_S", 0.01)
    source.states = None  # type: ignore[assignment]
    with listening(hub, bots, channels=("health",)) as read:
        waiting = InBackground(statuses, read, 1)
        while source.reads < 3:
            assert waiting.is_alive()
        source.states = [source.say(bots[0], "ok")]

        assert waiting.result() == ["ok"]
    assert [record.message for record in caplog.records] == [
        "the stream can't read the present state; trying again until it can"
    ]


# What the channels tell


def test_metrics_are_those_of_each_bot_and_of_the_collector(bots: list[int]) -> None:
    say(bots[0], "1", "2", ts=clock.now())
    say(bots[0], "3", ts=clock.now(), direction="out", response_ms=100)

    shop, news, collector = _bodies("metrics", "news", "shop")

    assert shop["messages"] == {"total": 3, "last_hour": 3, "last_24h": 3, "avg_response_time": 100.0}
    assert shop["users"] == {"total": 1, "active_today": 1, "active_this_week": 1}
    assert news["messages"]["total"] == 0
    assert collector["system"]["memory_mb"] > 0


def test_metrics_are_told_every_30_seconds_without_a_change(bots: list[int]) -> None:
    assert STATES["metrics"].period_s == 30
    board = stream.Board()
    board._wanted.update(["metrics"])
    board.step(1_000)
    _, version = board.after(0, BOTH)
    board.step(1_029)
    assert board.after(version, BOTH) == ([], version)
    board.step(1_030)
    assert len(board.after(version, BOTH)[0]) == len(bots) + 1


def test_health_is_told_when_a_status_changes(bots: list[int]) -> None:
    beat(bots[0], checks={"llm": {"status": "ok"}})
    board = stream.Board()
    board._wanted.update(["health"])
    board.step(1_000)
    frames, version = board.after(0, BOTH)
    assert {frame.bot_id for frame in frames} == {*bots, None}
    board.step(1_010)
    assert board.after(version, BOTH) == ([], version)

    beat(bots[0], checks={"llm": {"status": "fail", "message": "401"}})
    board.step(1_020)
    (changed,), version = board.after(version, BOTH)
    (data,) = Stream([changed.encoded]).next(1)
    assert (data["kind"], data["bot"], data["status"]) == ("health", "shop", "fail")
    assert {one["key"]: one["status"] for one in data["indicators"]} == {
        "bot:shop": "ok",
        "check:shop:llm": "fail",
    }


def test_state_of_a_bot_that_is_gone_is_forgotten(bots: list[int]) -> None:
    board = stream.Board()
    board._wanted.update(["health"])
    board.step(1_000)
    models.Bot.delete().where(models.Bot.id == bots[1]).execute()
    board.step(1_010)

    assert {frame.bot_id for frame in board.after(0, BOTH)[0]} == {bots[0], None}


def _bodies(channel: str, *names: str) -> list[dict]:  # type: ignore[type-arg]
    import msgspec

    found = {one.body["bot"]: msgspec.to_builtins(one.body) for one in STATES[channel].read(clock.now())}
    assert found.keys() == {*names, None}
    return [found["shop"], found["news"], found[None]]
