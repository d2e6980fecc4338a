"""What retention removes, kept in files: a line of NDJSON each, as agents send it, in gzip by bot and kind.

A row is on disk here before it leaves the database. What was interrupted between the two is in two files,
under the same id both times.
"""

import gzip
import os
import socket
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from .. import models
from ..clock import iso
from .declared import Rule

_encode = msgspec.json.Encoder().encode

_OURS = {"id", "bot_id", "instance_id", "event_id", "occurred_at"}


class Archive:
    """The files of one run, or nowhere to go for what is added when there is no folder.

    Every run has files of its own, so that no other writes to them and each can be read as soon as it stands.
    """

    def __init__(self, folder: Path | None, now: int) -> None:
        self._folder = folder
        stamp = iso(now)[:19].replace("-", "").replace(":", "")
        self._run = f"{stamp}Z-{socket.gethostname()}-{os.getpid()}"
        self._files: dict[Path, int] = {}

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            os.close(file)

    def add(self, rule: Rule, chosen: Any) -> None:
        """Write these rows down; on disk when it returns. An OSError leaves the files as they were."""
        if self._folder is None:
            return
        bots: Any = models.Bot.select(models.Bot.id, models.Bot.name).tuples()
        names: dict[int, str] = dict(bots)
        lines: dict[str, bytearray] = defaultdict(bytearray)
        rows: Any = rule.model.select().where(chosen).order_by(rule.order).dicts()
        for row in rows.iterator():
            bot = names.get(row["bot_id"], f"bot-{row['bot_id']}")
            lines[bot] += _encode(event(rule.name, row)) + b"\n"
        for bot, block in lines.items():
            self._append(self._folder / bot / f"{rule.name}-{self._run}.ndjson.gz", bytes(block))

    def _append(self, path: Path, block: bytes) -> None:
        file = self._opened(path)
        size = os.fstat(file).st_size
        try:
            # A gzip member of its own: the file is whole after each of them.
            rest = memoryview(gzip.compress(block, 6))
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise

    def _opened(self, path: Path) -> int:
        if path not in self._files:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._files[path] = os.open(path, flags, 0o600)
            _sync_folder(path.parent)
        return self._files[path]


def event(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the event that an agent would send for it; without what is null, but a message's text."""
    sent = {name: value for name, value in row.items() if name not in _OURS and value is not None}
    if kind == "message":
        sent = {"text": None, "user_id": None} | sent
    # An id makes sending it again safe.
    own_id = row.get("event_id") or f"archive-{row['id']}"
    return {"kind": kind, "ts": row["occurred_at"], "id": own_id} | sent


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
