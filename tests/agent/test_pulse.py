"""Heartbeats and samples come by themselves and say what the process uses."""

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from botwatch import Agent, usage
from botwatch.limits import Limits, read_limits

from .collector_double import CollectorDouble

Start = Callable[..., Agent]


def test_heartbeats_come_in_their_interval(start: Start, collector: CollectorDouble) -> None:
    start(heartbeat_s=0.2)
    collector.wait_for(lambda: len(collector.events("heartbeat")) >= 4)
    beats = collector.events("heartbeat")
    assert {beat["interval_s"] for beat in beats} == {0.2}
    assert [beat["uptime_s"] for beat in beats] == sorted(beat["uptime_s"] for beat in beats)
    assert len({beat["started_at"] for beat in beats}) == 1
    gaps = [later["ts"] - earlier["ts"] for earlier, later in pairwise(beats)]
    assert min(gaps) >= 150


def test_heartbeats_go_on_while_the_collector_is_slow(start: Start, collector: CollectorDouble) -> None:
    release = threading.Event()
    collector.answer = lambda request: release.wait(20) and None
    agent = start(heartbeat_s=0.1)
    collector.wait_for(lambda: collector.requests)
    deadline = time.monotonic() + 20
    while agent.stats()["accepted"] < 5:
        assert time.monotonic() < deadline
    release.set()
    collector.wait_for(lambda: len(collector.events("heartbeat")) >= 5)


def test_goodbye_is_said(agent: Agent, collector: CollectorDouble) -> None:
    agent.stop(timeout_s=20)
    assert [beat.get("stopping", False) for beat in collector.events("heartbeat")] == [False, True]


def test_update_age_shows_a_deaf_bot(start: Start, collector: CollectorDouble) -> None:
    agent = start(heartbeat_s=0.1)
    collector.wait_for(lambda: collector.events("heartbeat"))
    assert "update_age_s" not in collector.events("heartbeat")[0]
    assert agent.update_age_s() is None

    agent.message(user_id="alice", text="Hi", direction="out")
    agent.message(user_id="alice", text="old", ts=1)
    assert agent.update_age_s() is None
    agent.message(user_id="alice", text="hello")
    collector.wait_for(lambda: collector.events("heartbeat")[-1].get("update_age_s", 0) > 0.2)
    agent.update_seen()
    assert (agent.update_age_s() or 0) < 0.2


def test_sample_tells_what_the_process_uses(start: Start, collector: CollectorDouble) -> None:
    agent = start(sample_s=0.2)
    agent.watch_connections(lambda: 3)
    collector.wait_for(lambda: len(collector.events("sample")) >= 2)
    sample = collector.events("sample")[-1]
    assert sample["db_connections"] == 3
    assert sample["memory_bytes"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.3)
    assert sample["threads"] >= 3
    assert sample["fds"] == pytest.approx(len(list(Path("/proc/self/fd").iterdir())), abs=10)
    assert sample["gc_collections"] > 0
    assert "loop_lag_ms" not in sample


@pytest.mark.parametrize("read", [usage.from_proc, usage.by_psutil()], ids=["proc", "psutil"])
def test_usage_is_read_alike_with_and_without_proc(read: Callable[[], usage.Usage]) -> None:
    process = psutil.Process()
    found = read()
    assert found.memory_bytes == pytest.approx(process.memory_info().rss, rel=0.1)
    assert found.threads == process.num_threads()
    assert found.fds == pytest.approx(process.num_fds(), abs=1), "psutil counts the one that it counts with"


def test_busy_process_shows(start: Start, collector: CollectorDouble) -> None:
    start(sample_s=0.3)
    deadline = time.monotonic() + 20
    while not any(sample["cpu_percent"] > 5 for sample in collector.events("sample")):
        assert time.monotonic() < deadline
        sum(range(10_000))


def test_failing_connection_count_is_told_once_and_left(
    start: Start, collector: CollectorDouble, caplog: pytest.LogCaptureFixture
) -> None:
    agent = start(sample_s=0.1)

    def fail() -> int:
        raise RuntimeError("pool is closed")

    agent.watch_connections(fail)
    collector.wait_for(lambda: len(collector.events("sample")) >= 3)
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]


def test_blocked_event_loop_shows_as_lag(start: Start, collector: CollectorDouble) -> None:
    agent = start(sample_s=0.2)

    async def block() -> None:
        agent.watch_loop(asyncio.get_running_loop())
        agent.watch_loop(asyncio.get_running_loop())
        await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251  (the blocking is what is measured)
        await asyncio.sleep(0.6)

    asyncio.run(block())
    collector.wait_for(lambda: [lag for lag in lags(collector) if lag > 500])
    collector.wait_for(lambda: "loop_lag_ms" not in collector.events("sample")[-1])


def lags(collector: CollectorDouble) -> list[float]:
    return [sample["loop_lag_ms"] for sample in collector.events("sample") if "loop_lag_ms" in sample]


def files(root: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content + "\n")


@pytest.mark.parametrize(
    ("membership", "contents", "expected"),
    [
        (
            "0::/pod/bot",
            {
                "cgroup.controllers": "cpu memory",
                "pod/memory.max": "1000000",
                "pod/bot/memory.max": "max",
                "pod/cpu.max": "max 100000",
                "pod/bot/cpu.max": "150000 100000",
            },
            Limits(1_000_000, 1.5),
        ),
        (
            "0::/",
            {"cgroup.controllers": "cpu memory", "memory.max": "5000000", "cpu.max": "50000 100000"},
            Limits(5_000_000, 0.5),
        ),
        (
            "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/",
            {
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/docker/abc/memory.limit_in_bytes": "2000000",
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "cpu/docker/abc/cpu.cfs_quota_us": "200000",
                "cpu/docker/abc/cpu.cfs_period_us": "100000",
            },
            Limits(2_000_000, 2.0),
        ),
        ("", {}, Limits(None, None)),
    ],
    ids=["v2", "v2 in a container", "v1", "none"],
)
def test_container_limits_are_read(
    tmp_path: Path, membership: str, contents: dict[str, str], expected: Limits
) -> None:
    (tmp_path / "membership").write_text(membership)
    files(tmp_path / "cgroup", contents)
    assert read_limits(tmp_path / "cgroup", tmp_path / "membership") == expected
