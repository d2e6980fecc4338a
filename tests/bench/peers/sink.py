"""An HTTP server that takes what any of the libraries sends, fails as it is told, and counts what arrived."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from backports import zstd

TEXT = b"weather like in Lisbon"
MARK = re.compile(rb"#(\d{8})#")
SEQUENCE = re.compile(rb'^\{"seq":(\d+),', re.MULTILINE)
INSTANCE = re.compile(rb'"instance":"([^"]+)"')
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "gzip": lambda content: zlib.decompress(content, wbits=31),
    "identity": bytes,
}
SLOW_S = 2.0


class Sink:
    """`mode` is "ok", "down", "slow" or the status to answer with."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.arrived: Counter[int] = Counter()
        """How often each numbered text was stored."""
        self.texts = 0
        self._watermarks: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._server: Server | None = Server(0, self)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.become("down")

    def become(self, mode: str) -> None:
        self.mode = mode
        if mode == "down":
            self._close()
        elif self._server is None:
            self._server = Server(self.port, self)

    def _close(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def store(self, body: bytes) -> int:
        """How many are new: a batch of ours is stored as the collector does it, of others all counts."""
        with self._lock:
            self.texts += body.count(TEXT)
            if (instance := INSTANCE.search(body[:1000])) and body.startswith(b'{"v":1'):
                return self._store_above(self._watermarks.get(instance[1], 0), instance[1], body)
            self.arrived.update(int(found) for found in MARK.findall(body))
            return 0

    def _store_above(self, watermark: int, instance: bytes, body: bytes) -> int:
        lines = body.splitlines()[1:]
        numbers = [int(found) for found in SEQUENCE.findall(body)]
        assert len(numbers) == len(lines)
        new = [line for line, number in zip(lines, numbers, strict=True) if number > watermark]
        self.arrived.update(int(found) for line in new for found in MARK.findall(line))
        self._watermarks[instance] = max(watermark, *numbers)
        return len(new)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, sink: Sink) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.sink = sink
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed while they send are what some scenarios are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.sink.opened(self.connection)

    def do_POST(self) -> None:
        body = DECODERS[self.headers.get("Content-Encoding", "identity")](self._body())
        sink = self.server.sink
        mode = sink.mode
        if mode == "slow":
            time.sleep(SLOW_S)
        if mode == "down":
            self.close_connection = True
            return
        if mode.isdecimal():
            self._reply(int(mode), b"{}", {"Retry-After": "2"} if mode == "429" else {})
            return
        stored = sink.store(body)
        self._reply(200, json.dumps({"stored": stored, "duplicates": 0}).encode(), {})

    do_PUT = do_POST

    def _body(self) -> bytes:
        if (length := self.headers["Content-Length"]) is not None:
            return self.rfile.read(int(length))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
