"""Readers as the loop sees them: what is written to many at once, and what each of them has to know."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate

from ..stream import Frame, Seat
from .door import Passed
from .interest import Interest

GONE = -1
_SEND_BUFFER_BYTES = 128 << 10


class Batch:
    """Frames as the bytes of one write."""

    __slots__ = ("_pieces", "data", "frames")

    def __init__(self, frames: Sequence[Frame], framed: Callable[[bytes], bytes]) -> None:
        self.frames = frames
        self._pieces = [framed(frame.encoded) for frame in frames]
        self.data = b"".join(self._pieces)

    def cut(self, sent: int) -> tuple[Sequence[Frame], bytes]:
        """Of a write that took `sent` bytes: the frames that it began, and the rest of the last of these."""
        for begun, end in enumerate(accumulate(map(len, self._pieces)), start=1):
            if sent and end >= sent:
                return self.frames[:begun], self.data[sent:end]
        return [], b""


class Audience:
    """Readers of the same, framed the same way. Those in `live` have all events up to the loop's cursor, and
    all states up to `version` of the board.
    """

    __slots__ = ("chunked", "interest", "live", "members", "sent_at", "version")

    def __init__(self, interest: Interest, chunked: bool, now: float) -> None:
        self.interest = interest
        self.chunked = chunked
        self.members = 0
        # In order of coming, and with what is called for each: a pass then touches little memory.
        self.live: dict[Reader, Callable[[bytes], int]] = {}
        self.sent_at = now
        self.version = 0

    def batch(self, frames: Iterable[Frame]) -> Batch:
        wants = self.interest.wants
        return Batch([frame for frame in frames if wants(frame)], self.framed)

    def framed(self, encoded: bytes) -> bytes:
        """As HTTP passes it on. Chunks are for clients that otherwise wait until some buffer is full."""
        return b"%x\r\n%b\r\n" % (len(encoded), encoded) if self.chunked else encoded

    def deliver(self, data: bytes) -> list[tuple["Reader", int]]:
        """Write to all who are live. Returns those who took less, with the number of bytes or GONE."""
        size, short = len(data), []
        for reader, send in self.live.items():
            try:
                sent = send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = GONE
            if sent != size:
                short.append((reader, sent))
        return short


class Reader:
    """A connection. `rest` is what remains of a write that its socket took a part of. `cursor` and `version`
    say where to go on after that; a live reader's are the loop's. `awaits` is what it has asked the database
    for.
    """

    __slots__ = (
        "audience",
        "awaits",
        "blocked_at",
        "connection",
        "credential",
        "cursor",
        "rest",
        "seat",
        "send",
        "sent_at",
        "version",
    )

    def __init__(
        self, connection: socket.socket, passed: Passed, seat: Seat, audience: Audience, opening: bytes
    ) -> None:
        connection.setblocking(False)
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            # A frame must not wait until the one before it was acknowledged.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.send = connection.send
        self.credential = passed.credential
        self.seat = seat
        self.audience = audience
        self.cursor = passed.cursor
        self.version = 0
        self.rest = passed.head + b"\r\n" + audience.framed(opening)
        self.awaits: object = None
        self.blocked_at: float | None = None
        self.sent_at = 0.0

    def has_hung_up(self) -> bool:
        """What it sends after its request is thrown away."""
        try:
            return self.connection.recv(4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def end(self) -> None:
        """Close the connection; a client that isn't in the middle of a frame is told that this was all."""
        if self.audience.chunked and not self.rest:
            self.put(b"0\r\n\r\n")
        self.connection.close()

    def put(self, data: bytes) -> int:
        """Write as much as the socket takes; the number of bytes, or GONE."""
        try:
            return self.send(data) if data else 0
        except BlockingIOError:
            return 0
        except OSError:
            return GONE
