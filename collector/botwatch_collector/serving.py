"""Runs the collector under gunicorn: one master, workers with threads, each with its own application, and
the companions of them all.

The master holds no connection to the database when it forks, so that no two processes share one.
"""

import atexit
import errno
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

from . import jobs, streamer
from .app import create_app
from .companions import Companion
from .config import Config
from .errors import ConfigurationError
from .lifecycle import stopping
from .security import shown_path

_KEEPALIVE_S = 15
_HUNG_AFTER_S = 60
# A batch may wait 20 s for its transaction, and is answered even when the collector ends meanwhile.
_GRACE_S = 30
# Workers whose master was killed notice it within a second, and hold the port until then.
_PORT_WAIT_S = 3.0
_BACKLOG = 2048


_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


class Master(Arbiter):  # type: ignore[misc]
    """Holds back signals while it forks: one that a worker got before it listens for them would be lost, and
    the worker would run until it is killed. Companions outlive a reload, so that streams go on."""

    def spawn_worker(self) -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def manage_workers(self) -> None:
        for companion in self.app.companions:
            companion.keep_running(self.LISTENERS)
        super().manage_workers()

    def stop(self, graceful: bool = True) -> None:
        for companion in self.app.companions:
            companion.stop()
        super().stop(graceful)
        for companion in self.app.companions:
            companion.await_end()


class Worker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that tells its streams to end, and refuses newcomers at once instead of late."""

    def init_signals(self) -> None:
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def handle_quit(self, sig: int, frame: Any) -> None:
        # Ctrl-C in a terminal reaches the workers as well: it ends them as SIGTERM does.
        self.handle_exit(sig, frame)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        if req is not None:
            # It is logged. Nobody should put a token into an address, but some will.
            req.uri = shown_path(req.path)
        super().handle_error(req, client, addr, exc)

    def is_parent_alive(self) -> bool:
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    def set_accept_enabled(self, enabled: bool) -> None:
        ending = not self.alive
        super().set_accept_enabled(enabled and not ending)
        if ending:
            stopping.set()
            for listener in self.sockets:
                listener.close()


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with the collector's settings; reads neither gunicorn's files nor its variables."""

    def __init__(self, config: Config, cookie_key: str, listener: int) -> None:
        self._config = config
        self._cookie_key = cookie_key
        self._listener = listener
        self._door = streamer.Door() if hasattr(select, "epoll") else None
        self.companions = tuple(self._companions())
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def run(self) -> None:
        Master(self).run()

    def _companions(self) -> Iterator[Companion]:
        config, door = self._config, self._door
        yield Companion("botwatch-jobs", lambda: jobs.work(config))
        if door:
            yield Companion("botwatch-stream", lambda: streamer.run(config, door))

    def load(self) -> Flask:
        app = create_app(self._config, cookie_key=self._cookie_key, door=self._door)
        app.extensions["botwatch.worker"].start()
        # What was registered last is done first: what this stores is still counted.
        atexit.register(app.extensions["botwatch.writer"].close)
        return app

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": [f"fd://{self._listener}"],
            "worker_class": Worker,
            "workers": self._config.workers,
            "threads": self._config.threads,
            "worker_tmp_dir": _memory_folder(),
            "keepalive": _KEEPALIVE_S,
            "timeout": _HUNG_AFTER_S,
            "graceful_timeout": _GRACE_S,
            "preload_app": False,
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "botwatch-collector",
            "when_ready": _say_where,
        }


def serve(config: Config, cookie_key: str) -> None:
    """Serve until SIGTERM or Ctrl-C; ends the process. The schema must be up to date.

    The key comes from the caller, because a worker that starts again while the database is away must not
    need it: gunicorn takes a worker that can't start for a reason to end them all.
    """
    _log_to_stderr()
    Server(config, cookie_key, listen(config.host, config.port)).run()


def listen(host: str, port: int) -> int:
    """The file descriptor of a listening socket; port 0 is any free port."""
    deadline = time.monotonic() + _PORT_WAIT_S
    while True:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(_BACKLOG)
            return listener.detach()
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                reason = error.strerror or error
                raise ConfigurationError(
                    f"BOTWATCH_LISTEN: can't listen on {host}:{port}: {reason}"
                ) from None
        time.sleep(0.1)


def _say_where(arbiter: Arbiter) -> None:
    for listener in arbiter.LISTENERS:
        print(f"listening on {listener}", file=sys.stderr, flush=True)


def _memory_folder() -> str | None:
    """Where gunicorn keeps its workers' heartbeats: a slow disk must not make them look hung."""
    memory = Path("/dev/shm")  # noqa: S108 - gunicorn makes its files there by mkstemp
    return str(memory) if os.access(memory, os.W_OK) else None


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("botwatch_collector").setLevel(logging.INFO)
