"""The way from the workers to the streamer: connections to take over, and a bell for what was committed.

It is made before the first fork and held open by the master. What is on its way while the streamer is being
replaced is found there by the next one.
"""

import os
import socket
from contextlib import suppress
from http import HTTPStatus

import msgspec

from ..access import Credential
from ..errors import BotwatchError, Unavailable
from .interest import Interest

_SEND_S = 5.0
_MESSAGE_BYTES = 64 << 10


class Passed(msgspec.Struct, frozen=True):
    """A reader whom a worker has let in. `head` is how the HTTP answer begins, `chunked` how it goes on."""

    who: str
    credential: Credential
    interest: Interest
    cursor: int
    head: bytes
    chunked: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Passed).decode


class Door:
    """`inside` and `bell` are for the streamer to wait on."""

    def __init__(self) -> None:
        self._outside, self.inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._outside.settimeout(_SEND_S)
        self.inside.setblocking(False)
        # Counts instead of queueing, so that ringing never blocks and many rings are answered once.
        self.bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._nobody = _closed_at_the_other_end()

    def pass_on(self, connection: socket.socket, passed: Passed) -> None:
        """Give a connection away. What the server still does to it, such as shutdown(), hits a dummy.

        Raises Unavailable when the streamer takes nothing.
        """
        try:
            socket.send_fds(self._outside, [_encode(passed)], [connection.fileno()])
        except OSError as error:
            raise Unavailable("the streamer takes no readers at present", retry_after_s=5) from error
        os.dup2(self._nobody.fileno(), connection.fileno(), inheritable=False)

    def take(self) -> tuple[socket.socket, Passed] | None:
        """The next reader at the door; None when nobody waits there."""
        try:
            message, handles, _, _ = socket.recv_fds(self.inside, _MESSAGE_BYTES, 1)
        except BlockingIOError:
            return None
        # Without a free handle the system closes the connection, and its reader comes back.
        return (socket.socket(fileno=handles[0]), _decode(message)) if handles else None

    def ring(self) -> None:
        """Something was committed. Costs a microsecond."""
        os.eventfd_write(self.bell, 1)

    def answer_bell(self) -> None:
        os.eventfd_read(self.bell)

    def close(self) -> None:
        for end in (self._outside, self.inside, self._nobody):
            end.close()
        os.close(self.bell)


def refuse(connection: socket.socket, error: BotwatchError) -> None:
    """Answer the request as the worker would have done."""
    body = msgspec.json.encode({"error": {"code": error.code, "message": error.message}})
    lines = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Retry-After: {error.retry_after_s}",
        "Connection: close",
    )
    with connection, suppress(OSError):
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body, socket.MSG_DONTWAIT)


def _closed_at_the_other_end() -> socket.socket:
    """Who writes to it is told that the reader has gone, which servers know and keep quiet about."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours
