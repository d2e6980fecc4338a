"""What the live stream costs and how fast it is, beside a bare loop of send() in C and nchan in the same run.

    ./dev bench stream [--only cpu rate many delay page slow kills] [--seconds 10]

The collector, its readers and who publishes share the machine. Readers and floor are a small program in C,
compiled for the run (it needs cc); nchan is run where nginx and its module are installed. `kills` takes ten
minutes, and is run when it is asked for.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import requests

from botwatch.cli.sse import FrameReader

from ..collector.server import Server

NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
PADDING = "x" * 40
WITHIN = 200
KILLS = 80

Figures = Callable[["Bench"], None]


class Readers:
    """Streams that are read by the program in C; `connected_s` is what it took to open them all."""

    def __init__(self, program: Path, port: int, count: int, request: str) -> None:
        command = [str(program), "read", str(port), str(count), str(WITHIN)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request + "\r\n")
        self._process.stdin.flush()
        self.connected_s = float(self._process.stdout.readline())

    def stop(self) -> "Received":
        answer, _ = self._process.communicate(timeout=60)
        counts, _, delays = answer.partition("\n")
        events, size_bytes = map(int, counts.split())
        return Received(events, size_bytes, [1_000 * float(delay) for delay in delays.split()])


class Received:
    """What readers got; `delays_ms` from before the publishing to after the reading, ascending."""

    def __init__(self, events: int, size_bytes: int, delays_ms: list[float]) -> None:
        self.events, self.size_bytes, self.delays_ms = events, size_bytes, delays_ms

    def delay_ms(self, rank: float) -> float:
        return percentile(self.delays_ms, rank)


class Bench:
    def __init__(self, program: Path, seconds: float) -> None:
        self.program, self.seconds = program, seconds

    @contextmanager
    def collector(self) -> Iterator["Collector"]:
        caps = {"BOTWATCH_MAX_STREAMS": "15000", "BOTWATCH_MAX_STREAMS_PER_READER": "15000"}
        with tempfile.TemporaryDirectory() as folder, Server(f"sqlite:///{folder}/bench.db", caps) as server:
            yield Collector(self, server)


class Collector:
    def __init__(self, bench: Bench, server: Server) -> None:
        self._bench = bench
        self.url = server.url
        self._bot, self._reader = server.add_bot("bench"), server.add_read_token()
        self.streamer = psutil.Process(server.streamer_pid)
        self._seq = 0
        self.port = int(self.url.rpartition(":")[2])
        self.request = "GET /debug/message-stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        self.request += f"Authorization: Bearer {self._reader}\r\n"

    def readers(self, count: int) -> Readers:
        return Readers(self._bench.program, self.port, count, self.request)

    def sleeper(self) -> socket.socket:
        """A reader who asks for the stream and takes nothing of it."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(f"{self.request}\r\n".encode())
        return connection

    def publish(self, rate: float, *, each: int = 1) -> int:
        """So many messages a second, `each` in one batch; how many it were."""
        headers = {"Authorization": f"Bearer {self._bot}", "Content-Type": "application/x-ndjson"}
        with requests.Session() as session:

            def send() -> None:
                lines = [{"v": 1, "instance": "bench"}, *(self._message() for _ in range(each))]
                body = "\n".join(map(json.dumps, lines))
                session.post(f"{self.url}/api/events", body, headers=headers).raise_for_status()

            return each * paced(send, rate / each, self._bench.seconds)

    def _message(self) -> dict[str, object]:
        self._seq += 1
        text = f"at:{time.time()} {PADDING}"
        return {"kind": "message", "ts": 1, "seq": self._seq, "direction": "in", "user_id": "u", "text": text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS)[:-1])
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "stream_load"
        source = Path(__file__).with_name("stream_load.c")
        subprocess.run(["cc", "-O2", "-o", program, source], check=True)
        for name in asked.only:
            PARTS[name](Bench(program, asked.seconds))


def measure_cpu(bench: Bench) -> None:
    """1,000 readers x 20/s: CPU of whoever holds the connections."""
    count, rate = 1_000, 20
    with bench.collector() as collector:
        readers = collector.readers(count)
        ours_s = cpu_s(collector.streamer, lambda: collector.publish(rate))
        received = readers.stop()
    floor_us = floor(bench, count, rate, received.size_bytes // received.events)
    ours_us = ours_s / received.events * 1e6
    say("CPU an event, 1,000 x 20/s", f"{ours_us:.1f} us, {ours_us / floor_us:.2f} of a bare send loop in C")
    say("", f"the loop in C: {floor_us:.1f} us")
    if NCHAN.exists() and shutil.which("nginx"):
        nchan_us = nchan(bench, count, rate)
        say("", f"{ours_us / nchan_us:.2f} of nchan ({nchan_us:.1f} us)")


def measure_rate(bench: Bench) -> None:
    with bench.collector() as collector:
        readers = collector.readers(1_000)
        published = collector.publish(200, each=4)
        received = readers.stop()
    share = received.events / published / 1_000
    kept = published / bench.seconds
    say("1,000 readers x 200/s", f"{share:.1%} delivered at {kept:.0f}/s, p99 {received.delay_ms(99):.1f} ms")


def measure_many(bench: Bench) -> None:
    count = 10_000
    with bench.collector() as collector:
        empty_bytes = collector.streamer.memory_full_info().uss
        readers = collector.readers(count)
        each_bytes = (collector.streamer.memory_full_info().uss - empty_bytes) / count
        published = collector.publish(20)
        received = readers.stop()
    share = received.events / published / count
    say("10,000 readers x 20/s", f"{share:.1%} delivered, p50 {received.delay_ms(50):.1f} ms")
    say("connections", f"{count / readers.connected_s:.0f}/s, {each_bytes / 1_000:.1f} KB of memory each")


def measure_delay(bench: Bench) -> None:
    with bench.collector() as collector:
        readers = collector.readers(100)
        collector.publish(20)
        received = readers.stop()
    say(
        "publish to receive, 100 readers",
        f"p50 {received.delay_ms(50):.1f} ms, p99 {received.delay_ms(99):.1f} ms",
    )


def measure_page(bench: Bench) -> None:
    with bench.collector() as collector:
        alone = page_times_ms(collector, bench.seconds / 2)
        readers = collector.readers(1_000)
        publishing = threading.Thread(target=collector.publish, args=(20,))
        publishing.start()
        beside = page_times_ms(collector, bench.seconds)
        publishing.join()
        readers.stop()
    p99s = f"p99 {percentile(beside, 99):.1f} ms (without them {percentile(alone, 99):.1f} ms)"
    say("a page beside 1,000 streams x 20/s", p99s)


def measure_slow(bench: Bench) -> None:
    """50 of 100 readers stop reading."""
    with bench.collector() as collector:
        readers = collector.readers(50)
        collector.publish(200, each=4)
        alone = readers.stop()
        sleepers = [collector.sleeper() for _ in range(50)]
        readers = collector.readers(50)
        before_bytes = collector.streamer.memory_full_info().uss
        published = collector.publish(200, each=4)
        grown_bytes = collector.streamer.memory_full_info().uss - before_bytes
        beside = readers.stop()
        exact = sum(is_exact(sleeper, published) for sleeper in sleepers)
    p99s = f"p99 {beside.delay_ms(99):.1f} ms (without them {alone.delay_ms(99):.1f} ms)"
    say("50 of 100 readers stop reading", f"the others {beside.events / published / 50:.1%}, {p99s}")
    say("", f"memory grew by {grown_bytes / 1e6:.1f} MB; exact when they resumed: {exact} of 50")


def is_exact(sleeper: socket.socket, published: int) -> bool:
    """Whether it gets all that was published, each once and in order, now that it reads."""
    reader, seqs = FrameReader(), []
    sleeper.settimeout(60)
    with sleeper:
        while len(seqs) < published:
            seqs += [json.loads(frame.data)["id"] for frame in reader.feed(sleeper.recv(1 << 16))]
    return len(seqs) == published and all(one < other for one, other in pairwise(seqs))


def measure_kills(_bench: Bench) -> None:
    """About 100,000 events on SQLite and PostgreSQL, one and three collectors, while processes are killed."""
    test = "tests/collector/test_streamer_process.py"
    command = [sys.executable, "-m", "pytest", "-q", "--kills", str(KILLS), "-k", "killed_at_random", test]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = "0 lost, 0 doubled" if done.returncode == 0 else done.stdout
    say(f"{KILLS} kill -9 of workers and streamer", found)


PARTS: dict[str, Figures] = {
    "cpu": measure_cpu,
    "rate": measure_rate,
    "many": measure_many,
    "delay": measure_delay,
    "page": measure_page,
    "slow": measure_slow,
    "kills": measure_kills,
}


def floor(bench: Bench, count: int, rate: float, size: int) -> float:
    """CPU microseconds an event of the loop that only sends."""
    events = int(rate * bench.seconds)
    command = [bench.program, "send", str(size), str(rate), str(count), str(events)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        readers = Readers(bench.program, int(sender.stdout.readline()), count, "GET / HTTP/1.1\r\n")
        sender.stdin.write("\n")
        sender.stdin.flush()
        used_s = float(sender.stdout.readline())
        readers.stop()
        sender.stdin.write("\n")
    return used_s / events / count * 1e6


def nchan(bench: Bench, count: int, rate: float) -> float:
    """CPU microseconds an event of nginx with nchan, which passes on what it is posted."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(NGINX.format(module=NCHAN, folder=folder))
        command = ["nginx", "-p", folder, "-c", str(configuration), "-e", f"{folder}/error.log"]
        with subprocess.Popen(command) as master:
            port = 8499
            wait_for(lambda: psutil.Process(master.pid).children())
            (worker,) = psutil.Process(master.pid).children()
            time.sleep(0.5)
            readers = Readers(
                bench.program,
                port,
                count,
                "GET /sub HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n",
            )
            with requests.Session() as session:

                def send() -> None:
                    body = json.dumps({"message_text": f"at:{time.time()} {PADDING}", "padding": "x" * 220})
                    session.post(f"http://127.0.0.1:{port}/pub", body).raise_for_status()

                used_s = cpu_s(worker, lambda: paced(send, rate, bench.seconds))
            received = readers.stop()
            master.terminate()
    return used_s / received.events * 1e6


NGINX = """
load_module {module};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:8499;
        location /pub {{ nchan_publisher; nchan_channel_id bench; }}
        location /sub {{ nchan_subscriber eventsource; nchan_channel_id bench; }}
    }}
}}
"""


def paced(call: Callable[[], None], rate: float, seconds: float) -> int:
    """Call so often a second, and wait a moment for what is on its way; how many calls it were."""
    began, calls = time.monotonic(), int(rate * seconds)
    for number in range(calls):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        call()
    time.sleep(1)
    return calls


def page_times_ms(collector: Collector, seconds: float) -> list[float]:
    times, until = [], time.monotonic() + seconds
    with requests.Session() as session:
        while time.monotonic() < until:
            began = time.perf_counter()
            session.get(f"{collector.url}/login").raise_for_status()
            times.append(1_000 * (time.perf_counter() - began))
            time.sleep(0.02)
    return sorted(times)


def cpu_s(process: psutil.Process, call: Callable[[], object]) -> float:
    before = sum(process.cpu_times()[:2])
    call()
    return sum(process.cpu_times()[:2]) - before


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)


def percentile(ordered: list[float], rank: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * rank / 100))] if ordered else float("nan")


def say(what: str, figures: str) -> None:
    print(f"{what:36}{figures}", flush=True)


if __name__ == "__main__":
    main()
