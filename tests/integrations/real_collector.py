"""The real collector in the place of its double: the same bots, and what it stored of their messages."""

import sqlite3
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from ..collector.server import Server

_FIELDS = ("direction", "text", "user_id", "user_name", "channel", "response_ms", "wait_ms")


class RealCollector:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="botwatch-integrations-")
        self._path = Path(self._folder.name) / "botwatch.db"
        self._server = Server(f"sqlite:///{self._path}", workers=1)

    def __enter__(self) -> "RealCollector":
        self._server.start()
        self.url, self.token = self._server.url, self._server.add_bot("alice")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill9()
        self._folder.cleanup()

    def messages(self) -> list[dict[str, Any]]:
        """In the order of storing; fields that are null are left out, as on the wire."""
        connection = sqlite3.connect(self._path)
        try:
            rows = connection.execute(
                f"SELECT occurred_at, event_id, {', '.join(_FIELDS)} FROM message ORDER BY id"
            ).fetchall()
        finally:
            connection.close()
        names = ("ts", "id", *_FIELDS)
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows
        ]
