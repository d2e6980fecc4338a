"""TLS, proxies, connections that die and clocks that jump: real servers on this machine, nothing is lost."""

import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from botwatch import Agent

from .collector_double import CollectorDouble, Reply
from .connect_proxy import ConnectProxy

Start = Callable[..., Agent]
HOST = "collector.test"
DAY_S = 86_400.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_collector(authority: trustme.CA) -> Iterator[CollectorDouble]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", HOST).configure_cert(context)
    with CollectorDouble(tls=context) as double:
        yield double
    assert double.faults == []


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))


def record(agent: Agent, count: int) -> list[str]:
    texts = [f"message {number}" for number in range(count)]
    for text in texts:
        agent.message(user_id="alice", text=text)
    return texts


@pytest.mark.usefixtures("trusted")
def test_collector_behind_tls_gets_everything(start: Start, secure_collector: CollectorDouble) -> None:
    agent = start(url=f"https://localhost:{secure_collector.port}")
    texts = record(agent, 100)
    assert agent.flush(20)
    assert secure_collector.texts() == texts
    agent.stop()


def test_unknown_authority_gets_nothing_and_loses_nothing(
    start: Start, secure_collector: CollectorDouble
) -> None:
    agent = start(url=f"https://localhost:{secure_collector.port}")
    record(agent, 10)
    deadline = time.monotonic() + 30
    while "certificate" not in (agent.stats()["last_error"] or ""):
        assert time.monotonic() < deadline
        agent.flush(0.05)
    agent.stop()
    assert secure_collector.requests == []
    assert agent.stats()["state"] == "stopped" and agent.stats()["losses"] == {}


@pytest.mark.usefixtures("trusted")
def test_tls_goes_through_a_proxy_that_wants_a_password(
    start: Start, secure_collector: CollectorDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(secure_collector.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url("bot:secret"))
        monkeypatch.setenv("no_proxy", "")
        agent = start(url=f"https://{HOST}")
        texts = record(agent, 100)
        assert agent.flush(20)
        agent.stop(20)
    assert secure_collector.texts() == texts
    assert [line.split()[:2] for line in proxy.asked] == [["CONNECT", f"{HOST}:443"]], "one for all batches"


@pytest.mark.usefixtures("trusted")
def test_proxy_that_refuses_loses_nothing_and_its_password_stays_secret(
    start: Start,
    secure_collector: CollectorDouble,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ConnectProxy(secure_collector.port, login="somebody:else") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url("bot:secret"))
        monkeypatch.setenv("no_proxy", "")
        agent = start(url=f"https://{HOST}")
        record(agent, 10)
        assert not agent.flush(1)
        deadline = time.monotonic() + 30
        while "407" not in (agent.stats()["last_error"] or ""):
            assert time.monotonic() < deadline
            agent.flush(0.05)
        agent.stop()
    assert agent.stats()["losses"] == {}
    assert "secret" not in caplog.text + (agent.stats()["last_error"] or "")


def test_connection_that_died_unnoticed_is_made_again(agent: Agent, collector: CollectorDouble) -> None:
    for _ in range(3):
        record(agent, 10)
        assert agent.flush(20)
        collector.cut_connections()
    record(agent, 10)
    assert agent.flush(20)
    assert len(collector.texts()) == 40
    assert agent.stats()["losses"] == {}


@pytest.mark.parametrize("jump_s", [400 * DAY_S, -400 * DAY_S])
def test_jump_of_the_clock_drops_nothing(
    start: Start, collector: CollectorDouble, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    collector.answer = lambda request: Reply(503, "")
    agent = start(heartbeat_s=0.1, sample_s=0.1)
    before = record(agent, 5000)
    collector.wait_for(lambda: len(collector.requests) >= 2, timeout_s=60)
    true_time, true_time_ns = time.time, time.time_ns
    monkeypatch.setattr("time.time", lambda: true_time() + jump_s)
    monkeypatch.setattr("time.time_ns", lambda: true_time_ns() + int(jump_s * 1e9))
    monkeypatch.setattr("botwatch.agent.time_ns", time.time_ns)
    asked = len(collector.requests)
    after = record(agent, 10)
    collector.wait_for(lambda: len(collector.requests) > asked + 1, timeout_s=60)
    beats = agent.stats()["accepted"]
    collector.answer = lambda request: None
    assert agent.flush(60)
    collector.wait_for(lambda: agent.stats()["accepted"] > beats, timeout_s=60)
    assert collector.texts() == before + after
    assert agent.stats()["losses"] == {}
    assert (agent.update_age_s() or 0) >= 0 and agent.stats()["oldest_age_s"] >= 0
