"""A collector as the contract describes it, over real HTTP, that a test can make fail."""

import contextlib
import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from backports import zstd

from botwatch.tokens import checksum
from tests.contract.shape import faults

TOKEN_BODY = "bw_i_" + "t" * 32
TOKEN = TOKEN_BODY + checksum(TOKEN_BODY)

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": lambda body: zlib.decompress(body, wbits=31),
    "zstd": zstd.decompress,
}


class Request(NamedTuple):
    header: dict[str, Any]
    events: list[dict[str, Any]]
    headers: dict[str, str]
    size_bytes: int


class Reply(NamedTuple):
    status: int
    body: Any
    headers: Mapping[str, str] = MappingProxyType({})


class CollectorDouble:
    """Stores by watermark as the real one does, unless `answer` has a reply of its own."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Request], Reply | None] = lambda request: None
        self.requests: list[Request] = []
        self.stored: dict[str, list[dict[str, Any]]] = {}
        self.faults: list[str] = []
        self.changed = threading.Condition()
        self._server = Server(("127.0.0.1", port), self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut_connections(self) -> None:
        """What a suspended machine or a restarted router leaves of them."""
        for connection in self._server.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def receive(self, request: Request) -> Reply:
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        reply = self.answer(request)
        return reply or Reply(200, self.store(request))

    def store(self, request: Request) -> dict[str, int]:
        with self.changed:
            known = self.stored.setdefault(request.header["instance"], [])
            watermark = known[-1]["seq"] if known else 0
            new = [event for event in request.events if event["seq"] > watermark]
            known += new
            self.changed.notify_all()
            return {"stored": len(new), "duplicates": len(request.events) - len(new)}

    def events(self, kind: str | None = "message") -> list[dict[str, Any]]:
        with self.changed:
            return [
                event for events in self.stored.values() for event in events if kind in (None, event["kind"])
            ]

    def texts(self) -> list[str]:
        return [event["text"] for event in self.events()]

    def wait_for(self, condition: Callable[[], object], timeout_s: float = 20) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), "waited in vain"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], double: CollectorDouble) -> None:
        super().__init__(address, Handler)
        self.double = double
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A bot that is killed while it sends is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        double = self.server.double
        body = DECODERS[self.headers["Content-Encoding"]](sent)
        double.faults += faults(body) + self.wrong_headers()
        header, *events = [json.loads(line) for line in body.splitlines()]
        self.reply(double.receive(Request(header, events, dict(self.headers), len(sent))))

    def wrong_headers(self) -> list[str]:
        expected = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
        wrong = [f"{name}: {self.headers[name]}" for name in expected if self.headers[name] != expected[name]]
        return wrong + ([] if self.path == "/api/events" else [f"path {self.path}"])

    def reply(self, reply: Reply) -> None:
        body = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
