"""What a reader of the live stream costs: CPU an event against a bare loop of send(), and the delay.

    ./dev bench stream [--readers 100] [--rate 20] [--seconds 10]

The floor is a process that knows its readers and the frame, and does nothing but send it to each of them.
"""

import argparse
import json
import multiprocessing
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.collector.server import Server

WARM_S = 2.0


class Readers:
    """Connections that only count what they get; `delays_s` is of the first of them."""

    def __init__(self) -> None:
        self.events = 0
        self.delays_s: list[float] = []
        self.sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets.extend(sockets)
        for sock in sockets:
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for sock in self.sockets:
            sock.close()

    def _run(self) -> None:
        first = self.sockets[0]
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                received = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
                self.events += received.count(b"\ndata: ")
                if key.fileobj is first:
                    self._note_delays(received)

    def _note_delays(self, received: bytes) -> None:
        now = time.time()
        for line in received.split(b"\n"):
            if line.startswith(b"data: ") and line.endswith(b"}"):
                self.delays_s.append(now - float(json.loads(line[6:])["message_text"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20, help="messages a second, one batch each")
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()

    alone_s, _ = measure(0, asked.rate, asked.seconds)
    with_s, readers = measure(asked.readers, asked.rate, asked.seconds)
    floor_us = floor(asked.readers, asked.rate, asked.seconds)
    ours_us = (with_s - alone_s) / max(readers.events, 1) * 1e6
    wanted = asked.readers * int(asked.rate * asked.seconds)
    delays_ms = sorted(1_000 * delay for delay in readers.delays_s)
    p50, p99 = percentile(delays_ms, 50), percentile(delays_ms, 99)
    print(f"{asked.readers} readers, {asked.rate} messages/s for {asked.seconds:g} s")
    print(f"delivered            {readers.events / wanted:.1%} of {wanted}")
    times = ours_us / floor_us
    print(f"CPU an event         {ours_us:.1f} us, {times:.1f} times a bare send loop ({floor_us:.1f} us)")
    print(f"publish to receive   p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def measure(count: int, rate: int, seconds: float) -> tuple[float, Readers]:
    """CPU seconds of the server while it takes messages and streams them to `count` readers."""
    readers = Readers()
    with tempfile.TemporaryDirectory() as folder:
        limits = {"BOTWATCH_THREADS": str(count + 8), "BOTWATCH_MAX_STREAMS": str(count)}
        with Server(f"sqlite:///{folder}/bench.db", limits, workers=1) as server:
            bot, reader = server.add_bot("bench"), server.add_read_token()
            if count:
                readers.start([connected(server.url, reader) for _ in range(count)])
            time.sleep(WARM_S)
            worker = psutil.Process(server.worker_pids[0])
            before = sum(worker.cpu_times()[:2])
            publish(server.url, bot, rate, seconds)
            time.sleep(1)
            used = sum(worker.cpu_times()[:2]) - before
            if count:
                readers.stop()
    return used, readers


def connected(url: str, token: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)))
    request = f"GET /debug/message-stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    sock.sendall(request.encode())
    return sock


def publish(url: str, token: str, rate: int, seconds: float) -> None:
    """Each message's text is the time at which it was sent."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    began = time.monotonic()
    with requests.Session() as session:
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            message = {"kind": "message", "ts": 1, "seq": number + 1, "direction": "in", "user_id": "u"}
            lines = [{"v": 1, "instance": "bench"}, message | {"text": repr(time.time())}]
            session.post(
                f"{url}/api/events", "\n".join(map(json.dumps, lines)), headers=headers
            ).raise_for_status()


def floor(count: int, rate: int, seconds: float) -> float:
    """CPU microseconds an event of the bare loop."""
    pairs = [tcp_pair() for _ in range(count)]
    readers = Readers()
    readers.start([theirs for _, theirs in pairs])
    ours, theirs = multiprocessing.Pipe()
    sender = multiprocessing.Process(
        target=send_all, args=([ours for ours, _ in pairs], rate, seconds, theirs)
    )
    sender.start()
    used: float = ours.recv()
    sender.join()
    readers.stop()
    for sock, _ in pairs:
        sock.close()
    return used / (count * int(rate * seconds)) * 1e6


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        return listener.accept()[0], theirs


def send_all(sockets: list[socket.socket], rate: int, seconds: float, answer: Connection) -> None:
    data = {"message_text": repr(time.time()), "padding": "x" * 220}
    frame = b"id: 1\nevent: message:new\ndata: " + json.dumps(data).encode() + b"\n\n"
    began, before = time.monotonic(), time.process_time()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        for sock in sockets:
            sock.send(frame)
    answer.send(time.process_time() - before)


def percentile(ordered: list[float], rank: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * rank / 100))] if ordered else float("nan")


if __name__ == "__main__":
    main()
