"""A small HTTP proxy that opens tunnels, for those who know its password."""

import base64
import contextlib
import socket
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Self


class ConnectProxy:
    """Every tunnel ends at `port` of this machine, whatever host was asked for."""

    def __init__(self, port: int, login: str = "bot:secret") -> None:
        self.port = port
        self.asked: list[str] = []
        self._wanted = b"Basic " + base64.b64encode(login.encode())
        self._server = Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, login: str) -> str:
        return f"http://{login}@127.0.0.1:{self._server.server_address[1]}"

    def admits(self, head: list[bytes]) -> bool:
        return any(
            line.lower().startswith(b"proxy-authorization:") and line.endswith(self._wanted) for line in head
        )


class Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, proxy: ConnectProxy) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.proxy = proxy


class Tunnel(StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        head = [line.strip() for line in iter(self.rfile.readline, b"\r\n")]
        self.server.proxy.asked.append(head[0].decode())
        if not self.server.proxy.admits(head):
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.proxy.port)) as far:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(far, self.connection), daemon=True)
            back.start()
            pump(self.connection, far)
            back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65_536):
            target.sendall(content)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
