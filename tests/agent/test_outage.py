"""Whatever collector and network do: all arrives once, what is refused is counted, the bot never waits."""

import socket
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from botwatch import Agent, sender

from .collector_double import CollectorDouble, Reply, Request

Start = Callable[..., Agent]


def record(agent: Agent, count: int, first: int = 0) -> list[str]:
    texts = [f"message {number}" for number in range(first, first + count)]
    for text in texts:
        agent.message(user_id="alice", text=text)
    return texts


def failing(times: int, reply: Reply) -> Callable[[Request], Reply | None]:
    """Answers the first requests so, and stores the others."""
    left = iter(range(times))
    return lambda request: reply if next(left, None) is not None else None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_failing_collector_gets_everything_once_it_works(
    agent: Agent, collector: CollectorDouble, status: int
) -> None:
    collector.answer = failing(4, Reply(status, {"error": {"code": "busy", "message": "later"}}))
    texts = record(agent, 300)
    assert agent.flush(20)
    assert collector.texts() == texts
    assert agent.stats()["losses"] == {}
    assert agent.stats()["state"] == "ok"


def test_answer_lost_on_the_way_doubles_nothing(agent: Agent, collector: CollectorDouble) -> None:
    def store_but_fail(request: Request) -> Reply | None:
        collector.store(request)
        return Reply(502, "the proxy lost the answer") if len(collector.requests) < 4 else None

    collector.answer = store_but_fail
    texts = record(agent, 100)
    assert agent.flush(20)
    assert collector.texts() == texts
    assert agent.stats()["duplicates"] > 0


def test_collector_that_is_not_there_yet_gets_everything(start: Start, tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    agent = start(url=f"http://127.0.0.1:{port}")
    texts = record(agent, 100)
    assert not agent.flush(0.3)
    assert agent.stats()["state"] == "retrying"
    assert agent.stats()["queued_events"] == 101

    with CollectorDouble(port) as collector:
        assert agent.flush(40)
        assert collector.texts() == texts
        agent.stop()


def test_retry_after_in_seconds_is_honoured(agent: Agent, collector: CollectorDouble) -> None:
    assert agent.flush(20)
    check_pause(agent, collector, Reply(503, "", {"Retry-After": "2"}), at_least_s=2)


def test_retry_after_as_a_date_is_honoured(agent: Agent, collector: CollectorDouble) -> None:
    assert agent.flush(20)
    later = formatdate(time.time() + 3, usegmt=True)
    check_pause(agent, collector, Reply(429, "", {"Retry-After": later}), at_least_s=1.5)


def check_pause(agent: Agent, collector: CollectorDouble, reply: Reply, at_least_s: float) -> None:
    arrived: list[float] = []
    collector.answer = lambda request: (
        arrived.append(time.monotonic()) or (reply if len(arrived) < 2 else None)
    )
    record(agent, 1)
    assert agent.flush(20)
    assert arrived[1] - arrived[0] >= at_least_s


def test_slow_collector_gets_growing_batches(start: Start, collector: CollectorDouble) -> None:
    agent = start(batch_events=10)
    assert agent.flush(20)
    pause = iter([0.5])
    collector.answer = lambda request: time.sleep(next(pause, 0)) or None
    record(agent, 10)
    collector.wait_for(lambda: len(collector.requests) >= 2)
    record(agent, 3000, first=10)
    assert agent.flush(20)
    assert len(collector.events()) == 3010
    assert max(len(request.events) for request in collector.requests) == 3000


def test_too_large_batch_is_sent_in_halves(agent: Agent, collector: CollectorDouble) -> None:
    collector.answer = lambda request: Reply(413, {}) if len(request.events) > 100 else None
    texts = record(agent, 1000)
    assert agent.flush(30)
    assert collector.texts() == texts


def test_event_too_large_alone_is_counted(agent: Agent, collector: CollectorDouble) -> None:
    collector.answer = lambda request: (
        Reply(413, {}) if any(event.get("text") == "message 5" for event in request.events) else None
    )
    record(agent, 20)
    assert agent.flush(30)
    assert len(collector.events()) == 19
    assert agent.stats()["losses"] == {"rejected": 1}


def refusing(texts: set[str]) -> Callable[[Request], Reply | None]:
    """Refuses a batch for the first event that has one of these texts."""

    def answer(request: Request) -> Reply | None:
        for index, event in enumerate(request.events):
            if event.get("text") in texts:
                place = f"events[{index}].text"
                return Reply(
                    400, {"error": {"code": "invalid_batch", "message": f"{place}: no", "at": place}}
                )
        return None

    return answer


def test_only_the_event_at_fault_is_dropped(agent: Agent, collector: CollectorDouble) -> None:
    collector.answer = refusing({"message 0", "message 17", "message 99"})
    texts = record(agent, 100)
    assert agent.flush(20)
    assert collector.texts() == [
        text for text in texts if text not in ("message 0", "message 17", "message 99")
    ]
    assert agent.stats()["losses"] == {"rejected": 3}


def test_collector_that_refuses_everything_is_not_asked_for_every_event(
    agent: Agent, collector: CollectorDouble
) -> None:
    assert agent.flush(20)
    collector.requests.clear()
    collector.answer = refusing(set(record(agent, 2000)))
    assert agent.flush(30)
    assert agent.stats()["losses"] == {"rejected": 2000}
    assert len(collector.requests) < 1000


@pytest.mark.parametrize("status", [400, 415, 422])
def test_batch_refused_without_a_place_is_dropped_and_counted(
    agent: Agent, collector: CollectorDouble, status: int
) -> None:
    assert agent.flush(20)
    collector.answer = lambda request: Reply(status, {"error": {"code": "no", "message": "v: expected 1"}})
    record(agent, 10)
    assert agent.flush(20)
    assert agent.stats()["losses"] == {"rejected": 10}
    collector.answer = lambda request: None
    texts = record(agent, 10)
    assert agent.flush(20)
    assert collector.texts() == texts


@pytest.fixture
def quick_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "UNAUTHORIZED_RETRY_S", 0.2)


@pytest.mark.usefixtures("quick_to_ask_again")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"error": {"code": "unauthorized", "message": "unknown token"}}),
        Reply(403, {"error": {"code": "forbidden", "message": "other bot"}}),
        Reply(404, "no such page"),
        Reply(302, "", {"Location": "/login"}),
        Reply(200, "<html>Welcome to the Wi-Fi</html>"),
        Reply(200, {"ok": True}),
    ],
    ids=lambda reply: f"{reply.status}",
)
def test_wrong_token_or_address_keeps_everything(
    agent: Agent, collector: CollectorDouble, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    assert agent.flush(20)
    collector.answer = lambda request: reply
    collector.requests.clear()
    texts = record(agent, 10)
    collector.wait_for(lambda: len(collector.requests) >= 3)
    assert agent.stats()["state"] == "unauthorized"
    collector.answer = lambda request: None
    assert agent.flush(20)
    assert collector.texts() == texts
    assert agent.stats()["losses"] == {}
    assert len([entry for entry in caplog.records if entry.levelname == "ERROR"]) == 1


def test_unsupported_compression_falls_back_to_gzip(agent: Agent, collector: CollectorDouble) -> None:
    collector.answer = lambda request: (
        Reply(415, {"error": {"code": "unsupported"}})
        if request.headers["Content-Encoding"] == "zstd"
        else None
    )
    texts = record(agent, 500)
    assert agent.flush(20)
    assert collector.texts() == texts
    assert collector.requests[-1].headers["Content-Encoding"] == "gzip"


def test_batches_are_compressed(agent: Agent, collector: CollectorDouble) -> None:
    record(agent, 1000)
    assert agent.flush(20)
    largest = max(collector.requests, key=lambda request: len(request.events))
    assert largest.headers["Content-Encoding"] == "zstd"
    assert largest.size_bytes < 20 * len(largest.events)


def test_long_outage_takes_little_memory(run_python: Callable[..., Any]) -> None:
    """100 MB are recorded, 16 may stay on disk."""
    process = run_python(
        """
import botwatch, psutil
def resident(): return psutil.Process().memory_info().rss
botwatch.start(retry_s=0.05, spool_max_bytes=16 << 20)
assert not botwatch.flush(2)
before, most = resident(), 0
for number in range(100_000):
    botwatch.message(user_id="alice", text="x" * 900)
    if number % 1000 == 0: most = max(most, resident())
print(most - before, botwatch.stats()["queued_bytes"], botwatch.stats()["losses"]["spool_full"] > 50_000)
""",
        BOTWATCH_URL="http://127.0.0.1:9",
    )
    growth, queued, has_dropped = process.communicate(timeout=120)[0].split()
    assert int(growth) < 20 << 20
    assert 8 << 20 < int(queued) <= 17 << 20
    assert has_dropped == "True"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_silent_collector_delays_neither_call_nor_stop(start: Start, black_hole: str) -> None:
    agent = start(url=black_hole, timeout_s=30)
    record(agent, 1000)
    assert not agent.flush(0.2)
    started = time.monotonic()
    agent.stop()
    assert time.monotonic() - started < 3
    assert agent.stats()["losses"] == {}


def test_state_is_logged_once_per_change(
    agent: Agent, collector: CollectorDouble, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answer = failing(5, Reply(500, "secret"))
    record(agent, 10)
    assert agent.flush(20)
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]
    assert "alice" not in caplog.text


def test_netrc_does_not_replace_the_token(
    start: Start, collector: CollectorDouble, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert start().flush(20)


def test_proxy_of_the_environment_is_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with CollectorDouble() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        agent = start(url="http://collector.invalid")
        assert agent.flush(20)
        agent.stop()
        assert proxy.events("heartbeat")


def test_heartbeat_tells_of_queue_and_errors(start: Start, collector: CollectorDouble) -> None:
    collector.answer = failing(3, Reply(500, ""))
    agent = start(heartbeat_s=0.1, version="2.1")
    record(agent, 5)
    collector.wait_for(lambda: [beat for beat in collector.events("heartbeat") if beat["sent"] >= 5])
    beats: list[dict[str, Any]] = collector.events("heartbeat")
    assert beats[-1]["version"] == "2.1"
    assert beats[-1]["errors"] == 3
    assert beats[0]["spool"] == {"events": 0, "bytes": 0, "oldest_age_s": 0.0, "place": "disk"}


def test_own_figures_are_told(start: Start, collector: CollectorDouble) -> None:
    agent = start(heartbeat_s=0.2)
    record(agent, 500)
    collector.wait_for(lambda: any(beat["sent_per_s"] > 0 for beat in collector.events("heartbeat")))
    collector.wait_for(lambda: collector.events("heartbeat")[-1]["cpu_s"] > 0)
    stats = agent.stats()
    assert stats["sent"] >= 500
    assert 0 < stats["cpu_s"] < 20
    assert stats["spool"] == "disk" and stats["spool_error"] is None


def test_batch_that_takes_the_collector_too_long_gets_smaller(
    start: Start, collector: CollectorDouble
) -> None:
    """A collector that is slow with many events would time out on the same batch for ever."""
    given_up: list[int] = []

    def slow_with_many(request: Request) -> Reply | None:
        if len(request.events) <= 100:
            return None
        given_up.append(len(request.events))
        return Reply(504, "the proxy waited long enough")

    agent = start()
    assert agent.flush(20)
    collector.answer = slow_with_many
    texts = record(agent, 1500)
    assert agent.flush(60)
    assert collector.texts() == texts
    assert min(given_up) > 100
    assert len(given_up) < 30, "it does not grow back at once"


def test_quiet_bots_first_event_does_not_linger(start: Start, collector: CollectorDouble) -> None:
    agent = start(linger_s=60)
    assert agent.flush(20)
    assert agent._running is not None
    agent._running._sender._posted_at -= 60
    assert agent.flush(20)
    record(agent, 1)
    collector.wait_for(lambda: collector.events())
