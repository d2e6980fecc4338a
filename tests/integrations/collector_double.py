"""A collector reduced to its contract: takes batches over real HTTP, keeps each event once, streams."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

INGEST_TOKEN = "bw_i_0123456789abcdefghijABCDEFGHIJ010uU522"
READ_TOKEN = "bw_r_0123456789abcdefghijABCDEFGHIJ012TC6vK"


@dataclass
class Trouble:
    """What happens to coming requests instead of an answer: statuses for batches, streams that break."""

    batches: list[int] = field(default_factory=list)
    refuse_batches: int | None = None
    frames_per_stream: int | None = None
    streams: list[int] = field(default_factory=list)
    pings_s: float | None = None


class CollectorDouble:
    """Use as a context manager."""

    def __init__(self) -> None:
        self.token, self.read_token = INGEST_TOKEN, READ_TOKEN
        self.trouble = Trouble()
        self.clock_skew_s = 0.0
        self.stream_requests: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.frames: list[dict[str, Any]] = []
        self.stored = self.duplicates = 0
        self._events: list[dict[str, Any]] = []
        self._seen: set[tuple[str, int] | str] = set()
        self._changed = threading.Condition()
        self._is_over = False
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> CollectorDouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def messages(self) -> list[dict[str, Any]]:
        return self._of_kind("message")

    def heartbeats(self) -> list[dict[str, Any]]:
        return self._of_kind("heartbeat")

    def wait_for(self, is_reached: Callable[[], bool], timeout_s: float = 30) -> None:
        with self._changed:
            assert self._changed.wait_for(is_reached, timeout_s), f"messages so far: {self.messages()}"

    def publish(self, text: str, event: str = "message:new", **more: Any) -> dict[str, Any]:
        """Put a message on the stream, or what else `event` and `more` make of it."""
        with self._changed:
            self.names.append(event)
            frame = {
                "id": len(self.frames) + 1,
                "kind": "message",
                "bot": "shop",
                "direction": "in",
                "user_id": "7",
                "user_name": "Alice",
                "message_text": text,
                "timestamp": "2026-11-23T08:00:00.123Z",
                "response_time": None,
                "wait_ms": None,
                "channel": None,
                "attributes": None,
                **more,
            }
            self.frames.append(frame)
            self._changed.notify_all()
        return frame

    def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        with self._changed:
            return [event for event in self._events if event["kind"] == kind]

    @Request.application
    def _answer(self, request: Request) -> Response:
        if request.path == "/api/events":
            return self._receive(request)
        if request.path == "/api/whoami":
            return self._whoami(request)
        if request.path in ("/debug/message-stream", "/api/monitoring/stream"):
            return self._stream(request)
        return Response(status=404)

    def _whoami(self, request: Request) -> Response:
        scopes = {f"Bearer {self.token}": "ingest", f"Bearer {self.read_token}": "read"}
        scope = scopes.get(request.headers.get("Authorization", ""))
        if scope is None:
            return _error(401, "unknown token")
        return _json({"scope": scope, "bot": "shop", "time": round((time.time() + self.clock_skew_s) * 1000)})

    def _receive(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _error(401, "unknown token")
        refused = self.trouble.refuse_batches or (self.trouble.batches.pop(0) if self.trouble.batches else 0)
        if refused:
            return _error(refused, "as the test wants it")
        header, *events = (json.loads(line) for line in _body(request).splitlines())
        with self._changed:
            stored = sum(self._store(header["instance"], event) for event in events)
            self.stored += stored
            self.duplicates += len(events) - stored
            self._changed.notify_all()
        return _json({"stored": stored, "duplicates": len(events) - stored})

    def _store(self, instance: str, event: dict[str, Any]) -> bool:
        keys = {(instance, event["seq"])} if "seq" in event else set()
        keys |= {event["id"]} if "id" in event else set()
        assert keys, "an event needs seq or id"
        if keys & self._seen:
            return False
        self._seen |= keys
        self._events.append(event)
        return True

    def _stream(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.read_token}":
            return _error(401, "unknown token")
        since = request.headers.get("Last-Event-ID")
        self.stream_requests.append({"since": since, "path": request.path, **request.args})
        self.wake()
        if self.trouble.streams:
            return _error(self.trouble.streams.pop(0), "as the test wants it")
        begin = len(self.frames) if since is None else int(since)
        return Response(self._frames(begin), content_type="text/event-stream")

    def _frames(self, begin: int) -> Iterator[bytes]:
        yield b"retry: 50\n: connected\n\n"
        until = begin + (self.trouble.frames_per_stream or 1_000_000)
        for number in range(begin, until):
            while not self._wait_for_frame(number):
                yield b": ping\n\n"
            if self._is_over:
                return
            data = json.dumps(self.frames[number], ensure_ascii=False).encode()
            name = self.names[number].encode()
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (self.frames[number]["id"], name, data)
        # What a dying connection leaves behind: an id whose message never came.
        yield b"id: %d\nevent: message:new\nda" % (until + 1)

    def _wait_for_frame(self, number: int) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: len(self.frames) > number or self._is_over, self.trouble.pings_s
            )

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _body(request: Request) -> bytes:
    encoding, body = request.headers.get("Content-Encoding", "identity"), request.get_data()
    if encoding == "zstd":
        from backports import zstd

        return zstd.decompress(body)
    return gzip.decompress(body) if encoding == "gzip" else body


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


def _error(status: int, message: str) -> Response:
    return _json({"error": {"code": "refused", "message": message}}, status)
