"""The other end of a stream: whether it is still there, and whether it takes more without blocking us.

A worker gives every reader a thread. Writing to one who has stopped reading would hold that thread, and the
worker's stop, for as long as the kernel keeps trying; so nothing is written before the socket has room.
"""

import select
import socket
import ssl
from contextlib import suppress

_SEND_BUFFER_BYTES = 128 << 10

PIECE_BYTES = 16 << 10
"""What a socket takes for certain once it says it is writable; a third of its buffer is free then."""


class Client:
    """Without a socket (a server that doesn't tell it, or TLS) it counts as present and ready."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._socket = None if isinstance(sock, ssl.SSLSocket) else sock
        if self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)

    def is_gone(self) -> bool:
        """Whether it has hung up; noticed here within a second, by writing only at the second ping."""
        if self._socket is None:
            return False
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def is_ready(self, timeout_s: float) -> bool:
        """Wait until it takes PIECE_BYTES more; False when it doesn't in time."""
        if self._socket is None:
            return True
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLOUT)
        except (OSError, ValueError):
            return True
        return bool(poll.poll(timeout_s * 1_000))
