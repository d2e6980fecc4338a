"""The real collector in the place of its double: the same bots, and what it stored of their messages."""

import json
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..collector.server import Server

_FIELDS = ("direction", "text", "user_id", "user_name", "channel", "response_ms", "wait_ms", "attributes")


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
        rows = self._rows("message", ("occurred_at", "event_id", *_FIELDS))
        names = ("ts", "id", *_FIELDS)
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows
        ]

    def activities(self, action: str) -> list[dict[str, Any]]:
        """In the order of storing."""
        names = ("action", "status", "entity_type", "entity_id", "user_id", "details")
        rows = [dict(zip(names, row, strict=True)) for row in self._rows("activity", names)]
        return [row | {"details": json.loads(row["details"])} for row in rows if row["action"] == action]

    def _rows(self, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self._path)
        try:
            return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id").fetchall()
        finally:
            connection.close()
