"""A real Prometheus scrapes a real server under traffic, and answers questions about it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from botwatch_collector import clock

from ..collector.server import Server

pytestmark = pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")

SCRAPES = 60
CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: botwatch
    authorization:
      credentials_file: {token}
    static_configs:
      - targets: ["{target}"]
"""


class Prometheus:
    """A running one, asked through its own HTTP API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, question: str) -> list[dict[str, Any]]:
        reply = requests.get(f"{self._url}/api/v1/query", {"query": question}, timeout=10)
        reply.raise_for_status()
        result: list[dict[str, Any]] = reply.json()["data"]["result"]
        return result

    def values(self, question: str) -> list[float]:
        return [float(row["value"][1]) for row in self.query(question)]


@pytest.fixture
def prometheus(server: Server, tmp_path: Path) -> Iterator[Prometheus]:
    (tmp_path / "token").write_text(server.add_read_token())
    target = server.url.removeprefix("http://")
    (tmp_path / "prometheus.yml").write_text(CONFIG.format(token=tmp_path / "token", target=target))
    port = free_port()
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
    )
    running = Prometheus(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: running.values("up{job='botwatch'}") == [1])
        yield running
    finally:
        process.terminate()
        process.wait(30)


class Traffic(threading.Thread):
    """Sends a message and an answer at a time, each batch until it is acknowledged."""

    def __init__(self, server: Server, token: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{server.url}/api/events"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self.stop = threading.Event()
        self.batches = 0

    def run(self) -> None:
        while not self.stop.wait(0.05):
            body = self._batch(self.batches)
            while not self._is_taken(body):
                self.stop.wait(0.05)
            self.batches += 1

    def _batch(self, number: int) -> str:
        common = {"kind": "message", "ts": clock.now(), "user_id": f"user {number % 7}", "text": "hello"}
        question = common | {"seq": 2 * number + 1, "direction": "in"}
        answer = common | {"seq": 2 * number + 2, "direction": "out", "response_ms": 120}
        return "\n".join(map(json.dumps, [{"v": 1, "instance": "one"}, question, answer]))

    def _is_taken(self, body: str) -> bool:
        try:
            return requests.post(self._url, body, headers=self._headers, timeout=10).status_code == 200
        except requests.RequestException:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if is_so():
                return
        time.sleep(0.1)
    raise AssertionError("it did not become so in time")


def test_prometheus_follows_the_traffic_through_killed_workers(
    server: Server, prometheus: Prometheus
) -> None:
    traffic = Traffic(server, server.add_bot("shop"))
    traffic.start()
    wait_until(lambda: prometheus.values("count_over_time(up[5m])") >= [SCRAPES / 2])
    os.kill(server.worker_pids[0], signal.SIGKILL)
    wait_until(lambda: prometheus.values("count_over_time(up[5m])") >= [SCRAPES])
    rate = prometheus.values('rate(botwatch_messages_total{bot="shop",direction="in"}[10s])')
    quantile = prometheus.values("histogram_quantile(0.5, rate(botwatch_response_seconds_bucket[10s]))")
    traffic.stop.set()
    traffic.join()

    assert rate > [0]
    assert 0.1 <= quantile[0] <= 0.25
    wait_until(lambda: prometheus.values("sum(botwatch_messages_total)") == [2 * traffic.batches])
    wait_until(
        lambda: prometheus.values('botwatch_ingest_events_total{kind="message"}') == [2 * traffic.batches]
    )
    assert prometheus.values('botwatch_active_users{bot="shop",window="30m"}') == [7]
    # No counter, bucket or sum ever went back, whichever worker answered.
    scraped = prometheus.query('{__name__=~"botwatch_.+_(total|bucket|sum|count)"}[5m]')
    assert len(scraped) > 20
    for series in scraped:
        values = [float(value) for _, value in series["values"]]
        assert values == sorted(values), series["metric"]
