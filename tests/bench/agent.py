"""What the agent costs a bot: time of a call, CPU of a delivered event, start, memory, stop.

Every figure stands beside a floor measured in the same run, because machines differ and are busy.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from backports import zstd

from botwatch import Agent
from botwatch.tokens import checksum

BODY = "bw_i_" + "b" * 32
TOKEN = BODY + checksum(BODY)
DEAD = "http://127.0.0.1:9"
TEXT = "Hello, what is the weather like in Lisbon today?"
FIELDS = {"user_id": "12345678", "user_name": "Alice Doe", "channel": "telegram"}
CALLS = 200_000


class Sink(BaseHTTPRequestHandler):
    """Takes any batch and says that it is stored."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        decode: dict[str, Callable[[bytes], bytes]] = {
            "zstd": zstd.decompress,
            "gzip": lambda content: zlib.decompress(content, wbits=31),
            "identity": bytes,
        }
        stored = decode[self.headers["Content-Encoding"]](body).count(b"\n") - 1
        answer = json.dumps({"stored": stored, "duplicates": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        pass


def serve(port: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    port.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def collector() -> Iterator[str]:
    """In a process of its own, so that its CPU is not ours."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{mine.recv()}"
    finally:
        process.terminate()
        process.join()


@contextmanager
def agent(url: str) -> Iterator[Agent]:
    with tempfile.TemporaryDirectory() as spool:
        started = Agent().start(url, TOKEN, spool_dir=spool)
        started.flush(10) if url != DEAD else time.sleep(1)
        yield started
        started.stop(10)


def timed(call: Callable[[], object], calls: int = CALLS, per_second: int | None = None) -> list[int]:
    """Nanoseconds of each call, sorted; one after the other, or so many a second."""
    clock, times = time.perf_counter_ns, []
    due = time.perf_counter()
    for _ in range(calls):
        if per_second:
            due += 1 / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
        began = clock()
        call()
        times.append(clock() - began)
    return sorted(times)


def show(name: str, times: list[int], floor: float | None = None) -> float:
    p50, p99 = (times[int(len(times) * share)] / 1000 for share in (0.5, 0.99))
    ratio = "" if floor is None else f"   {p50 / floor:5.2f} x json.dumps"
    print(
        f"{name:44} p50 {p50:8.2f}  p99 {p99:8.2f}  mean {statistics.fmean(times) / 1000:8.2f}"
        f"  max {times[-1] / 1000:9.1f} us{ratio}"
    )
    return p50


def call_costs(url: str) -> None:
    event = {"kind": "message", "ts": 1, "seq": 1, "direction": "in", "text": TEXT, **FIELDS}
    floor = show("json.dumps of the same event (floor)", timed(lambda: json.dumps(event)))
    with tempfile.NamedTemporaryFile() as file:
        log = logging.getLogger("bench")
        handler = logging.FileHandler(file.name)
        log.addHandler(handler)
        log.propagate = False
        log.setLevel(logging.INFO)
        show("logging.info to a file", timed(lambda: log.info("%s %s", TEXT, FIELDS)), floor)
        log.removeHandler(handler)
        handler.close()
    with agent(url) as watched:
        message = watched.message
        show("message(user_id, text)", timed(lambda: message(user_id="12345678", text=TEXT)), floor)
        show("message(with name and channel)", timed(lambda: message(text=TEXT, **FIELDS)), floor)
        show("message() at 1,000 a second", timed(lambda: message(text=TEXT, **FIELDS), 5000, 1000), floor)
    with agent(DEAD) as watched:
        message = watched.message
        show("message(), collector down", timed(lambda: message(text=TEXT, **FIELDS)), floor)


def cpu_of_delivery(url: str) -> None:
    """Calls, compression and sending of 100,000 events, against compressing and posting them by hand."""
    with agent(url) as watched:
        began = time.process_time()
        for _ in range(100_000):
            watched.message(text=TEXT, **FIELDS)
        assert watched.flush(60)
        spent = time.process_time() - began
    print(f"{'CPU per 100,000 events delivered':44} {spent:.3f} s   {spent / by_hand(url):.2f} x by hand")


def by_hand(url: str) -> float:
    """The least one could do: dump, join, compress, post; no disk, no retry, no thread."""
    import requests

    event = {"kind": "message", "ts": 1, "seq": 1, "direction": "in", "text": TEXT, **FIELDS}
    with requests.Session() as session:
        began = time.process_time()
        for _ in range(20):
            body = "{}\n" + "\n".join(json.dumps(event) for _ in range(5000))
            session.post(url, zlib.compress(body.encode(), 1, wbits=31), headers={"Content-Encoding": "gzip"})
        return time.process_time() - began


def cpu_at_rates(url: str) -> None:
    for per_second, seconds in ((1000, 5), (17, 10)):
        idle = cpu_of(lambda: None, per_second, seconds)
        with agent(url) as watched:
            busy = cpu_of(lambda: watched.message(text=TEXT, **FIELDS), per_second, seconds)
        print(f"{f'CPU at {per_second:,} a second, beyond the loop itself':44} {100 * (busy - idle):.2f} %")


def cpu_of(call: Callable[[], object], per_second: int, seconds: int) -> float:
    began = time.process_time()
    timed(call, per_second * seconds, per_second)
    return (time.process_time() - began) / seconds


def start_up() -> None:
    program = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"

    def best(module: str) -> float:
        runs = (subprocess.check_output([sys.executable, "-c", program.format(module)]) for _ in range(10))
        return min(float(output) for output in runs) * 1000

    ours, asyncio = best("botwatch"), best("asyncio")
    print(f"{'import botwatch (best of 10)':44} {ours:.1f} ms   {ours / asyncio:.2f} x import asyncio")


def memory() -> None:
    """Resident memory of a process after start, beyond one that only imports requests and psutil."""
    plain = resident("import requests, psutil")
    started = resident(
        "import botwatch, tempfile, time;"
        f"botwatch.start({DEAD!r}, {TOKEN!r}, spool_dir=tempfile.mkdtemp(), enabled=True); time.sleep(2)"
    )
    print(f"{'memory after start, beyond requests, psutil':44} {(started - plain) / 1e6:.1f} MB")


def resident(program: str) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", f"{program}\nprint(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size = psutil.Process(process.pid).memory_info().rss
        process.kill()
        return size


def stopping() -> None:
    with tempfile.TemporaryDirectory() as spool:
        watched = Agent().start(DEAD, TOKEN, spool_dir=Path(spool))
        for _ in range(10_000):
            watched.message(text=TEXT, **FIELDS)
        began = time.perf_counter()
        watched.stop()
        print(f"{'stop with a dead collector':44} {time.perf_counter() - began:.3f} s")


def main() -> None:
    logging.getLogger("botwatch").addHandler(logging.NullHandler())
    start_up()
    with collector() as url:
        call_costs(url)
        cpu_of_delivery(url)
        cpu_at_rates(url)
    memory()
    stopping()


if __name__ == "__main__":
    main()
