"""One client library in a process of its own: `client.py NAME MEASURE URL [NUMBER...]` prints figures.

It prints them as JSON. It runs in the peers' environment, and so imports nothing of the tests.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import mmap
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

TEXT = "Hello, what is the weather like in Lisbon today?"
USER, NAME, CHANNEL = "12345678", "Alice Doe", "telegram"
SERVICE = "bench"
FULL_SPEED_S = 5.0
FULL_SPEED_CALLS = 100_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Client(NamedTuple):
    message: Callable[[str], object]
    flush: Callable[[float], object]
    """Wait, so many seconds at most, until all is delivered."""
    stop: Callable[[], object]
    burst: int
    """So many events may wait without loss while the collector answers."""


def botwatch(url: str) -> Client:
    import botwatch

    agent = botwatch.Agent().start(
        url, os.environ["BENCH_TOKEN"], spool_dir=os.environ["BENCH_SPOOL"], enabled=True
    )

    def message(text: str) -> None:
        agent.message(text=text, user_id=USER, user_name=NAME, channel=CHANNEL)

    return Client(message, agent.flush, agent.stop, 100_000)


def sentry(url: str) -> Any:
    import sentry_sdk

    sentry_sdk.init(
        dsn=url.replace("http://", "http://key@") + "/1", enable_logs=True, auto_enabling_integrations=False
    )
    return sentry_sdk


def sentry_client(url: str, message: Callable[[str], object], burst: int) -> Client:
    """`burst` is below what its buffer or its queue takes before it drops."""
    client = sentry(url).get_client()
    return Client(message, lambda timeout_s: client.flush(timeout=timeout_s), client.close, burst)


def sentry_logs(url: str) -> Client:
    from sentry_sdk import logger

    attributes = {"user.id": USER, "user.name": NAME, "channel": CHANNEL}
    return sentry_client(url, lambda text: logger.info(text, attributes=attributes), 500)


def sentry_metrics(url: str) -> Client:
    """The cheapest of its calls that can carry the text, as an attribute."""
    from sentry_sdk import metrics

    def message(text: str) -> None:
        attributes = {"text": text, "user.id": USER, "user.name": NAME, "channel": CHANNEL}
        metrics.count("message", 1, attributes=attributes)

    return sentry_client(url, message, 500)


def sentry_messages(url: str) -> Client:
    return sentry_client(url, sentry(url).capture_message, 50)


def opentelemetry(url: str) -> Client:
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
    emit = provider.get_logger(SERVICE).emit
    attributes = {"user.id": USER, "user.name": NAME, "channel": CHANNEL}

    def message(text: str) -> None:
        emit(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            body=text,
            attributes=attributes,
        )

    return Client(
        message, lambda timeout_s: provider.force_flush(int(timeout_s * 1000)), provider.shutdown, 1000
    )


def posthog(url: str) -> Client:
    from posthog import Posthog

    client = Posthog("key", host=url)

    def message(text: str) -> None:
        properties = {"text": text, "user_name": NAME, "channel": CHANNEL}
        client.capture("message", distinct_id=USER, properties=properties)

    return Client(message, lambda timeout_s: client.flush(), client.shutdown, 5000)


def prometheus(url: str) -> Client:
    """Counts and times, and ships no text: what a call costs that only adds to two numbers."""
    from prometheus_client import CollectorRegistry, Counter, Histogram, push_to_gateway

    registry = CollectorRegistry()
    messages = Counter("messages", "messages", ["channel"], registry=registry)
    response = Histogram("response_seconds", "response time", ["channel"], registry=registry)

    def message(text: str) -> None:
        messages.labels(CHANNEL).inc()
        response.labels(CHANNEL).observe(0.1)

    def push(timeout_s: float) -> None:
        push_to_gateway(url, SERVICE, registry, timeout=timeout_s)

    return Client(message, push, lambda: None, 100_000)


CLIENTS: dict[str, Callable[[str], Client]] = {
    "botwatch": botwatch,
    "sentry-metrics": sentry_metrics,
    "sentry-logs": sentry_logs,
    "sentry-messages": sentry_messages,
    "opentelemetry": opentelemetry,
    "posthog": posthog,
    "prometheus": prometheus,
    "nothing": lambda url: Client(lambda text: None, lambda timeout_s: None, lambda: None, 100_000),
}


def started(name: str, url: str) -> Client:
    """With what it imports on the way already imported, and its first batch sent."""
    client = CLIENTS[name](url)
    client.message("warm")
    client.flush(10)
    gc.collect()
    return client


def calls(name: str, url: str) -> dict[str, float]:
    """Microseconds of calls one after the other, in bursts that lose nothing: to drop would be cheap."""
    client, clock = started(name, url), time.perf_counter_ns
    message, times = client.message, list[int]()
    ends = clock() + FULL_SPEED_S * 1e9
    while len(times) < FULL_SPEED_CALLS and clock() < ends:
        for _ in range(client.burst):
            began = clock()
            message(TEXT)
            times.append(clock() - began)
        client.flush(60)
    client.stop()
    return {**figures_of(times), "calls": len(times)}


def figures_of(nanoseconds: list[int]) -> dict[str, float]:
    times = sorted(nanoseconds)
    p50, p99 = (times[int(len(times) * share)] / 1000 for share in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "mean": statistics.fmean(times) / 1000, "max": times[-1] / 1000}


def rate(name: str, url: str, per_second: str, seconds: str) -> dict[str, float]:
    """Microseconds of calls at a rate, and the CPU of those calls and of all other threads, in percent."""
    message = started(name, url).message
    time.sleep(1)
    clock, times = time.perf_counter_ns, []
    in_calls, spent, due = 0, others_cpu_s(), time.perf_counter()
    for _ in range(int(per_second) * int(seconds)):
        due += 1 / int(per_second)
        time.sleep(max(0.0, due - time.perf_counter()))
        before, began = time.thread_time_ns(), clock()
        message(TEXT)
        times.append(clock() - began)
        in_calls += time.thread_time_ns() - before
    cpu_s = in_calls / 1e9 + others_cpu_s() - spent
    return {**figures_of(times), "cpu": 100 * cpu_s / int(seconds)}


def others_cpu_s() -> float:
    """What the library's own threads have used."""
    return time.process_time() - time.thread_time()


def delivery(name: str, url: str, events: str) -> dict[str, float]:
    """CPU seconds from the first call until all is delivered, in bursts that the library can take."""
    client = started(name, url)
    spent, left = time.process_time(), int(events)
    while left > 0:
        for _ in range(min(left, client.burst)):
            client.message(TEXT)
        left -= client.burst
        client.flush(60)
    return {"cpu_s": time.process_time() - spent}


def memory(name: str, url: str, per_second: str, seconds: str) -> dict[str, float]:
    """Megabytes: at rest beyond an interpreter with requests, and the most it grew while it recorded."""
    import requests  # noqa: F401

    before = resident()
    client = started(name, url)
    time.sleep(2)
    rest = resident()
    paced_growth = grown(client.message, int(per_second), int(seconds))
    return {"rest": (rest - before) / 1e6, "growth": (paced_growth - rest) / 1e6}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def grown(message: Callable[[str], object], per_second: int, seconds: int) -> int:
    most = 0
    for _ in range(seconds * 10):
        ends = time.perf_counter() + 0.1
        for _ in range(per_second // 10):
            message(TEXT)
        most = max(most, resident())
        time.sleep(max(0.0, ends - time.perf_counter()))
    return most


def stop(name: str, url: str, events: str) -> dict[str, float]:
    """Seconds that the end of the process waits for a collector that is not there."""
    client = started(name, url)
    for _ in range(int(events)):
        client.message(TEXT)
    began = time.perf_counter()
    client.stop()
    return {"stop_s": time.perf_counter() - began}


def lag(name: str, url: str, seconds: str) -> dict[str, float]:
    """How late (p99, ms) an event loop wakes that records 1,000 a second, and one that records nothing."""

    async def lateness(message: Callable[[str], object]) -> float:
        times, due = [], time.perf_counter()
        while len(times) < int(seconds) * 1000:
            due += 0.001
            await asyncio.sleep(due - time.perf_counter())
            times.append(max(0.0, time.perf_counter() - due))
            message(TEXT)
        return sorted(times)[int(len(times) * 0.99)] * 1000

    idle = asyncio.run(lateness(lambda text: None))
    busy = asyncio.run(lateness(started(name, url).message))
    return {"p99_ms": busy, "added_ms": busy - idle}


def emit(name: str, url: str, first: str, events: str, per_second: str, counter: str) -> dict[str, float]:
    """Record numbered events and keep their count in a file that survives kill -9; then obey stdin."""
    client = CLIENTS[name](url)
    with Path(counter).open("r+b") as file:
        accepted = mmap.mmap(file.fileno(), 8)
    numbered(client, int(first), int(events), int(per_second), accepted)
    print("recorded", flush=True)
    match sys.stdin.readline().strip():
        case "fork":
            forked(client, int(first) + int(events))
        case "flush":
            finish(client)
        case "restart":  # what the next start of a bot does
            time.sleep(2)
            finish(client)
    return {}


def numbered(client: Client, first: int, events: int, per_second: int, accepted: mmap.mmap | None) -> None:
    due = time.perf_counter()
    for number in range(first, first + events):
        due += 1 / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        client.message(f"#{number:08d}# {TEXT}")
        if accepted is not None:
            accepted[:8] = (number + 1).to_bytes(8, "little")


def finish(client: Client) -> None:
    client.flush(60)
    client.stop()


def forked(client: Client, first: int) -> None:
    """Parent and child record 500 each, and both end in order."""
    child = os.fork()
    numbered(client, first + (500 if child == 0 else 0), 500, 1000, None)
    finish(client)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


MEASURES: dict[str, Callable[..., dict[str, float]]] = {
    function.__name__: function for function in (calls, rate, delivery, memory, stop, lag, emit)
}


def main() -> None:
    logging.disable()  # what a library logs of an outage is not what is measured
    name, measure, url, *arguments = sys.argv[1:]
    figures = MEASURES[measure](name, url, *arguments)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
