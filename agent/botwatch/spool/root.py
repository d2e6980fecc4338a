"""The directory that all instances of one bot share: its size, and what dead instances left in it."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from .directory import NEW_PREFIX, InstanceDirectory, adopt_directory, create_directory, remove_tree

UNFINISHED_AFTER_S = 60.0


class SpoolRoot:
    """`candidates` are tried in order; the first that can be written is used."""

    def __init__(self, candidates: tuple[str, ...]) -> None:
        self._candidates = candidates
        self.path: str | None = None

    def create(self, origin: dict[str, Any]) -> InstanceDirectory:
        """A new instance's directory. Raises OSError when no candidate can be written."""
        failure = OSError("no directory is configured")
        for path in self._candidates:
            try:
                make_private(path)
                directory = create_directory(path, origin)
            except OSError as error:
                failure = error
                continue
            self.path = path
            return directory
        raise failure

    def orphans(self, known: set[str]) -> list[InstanceDirectory]:
        """Directories whose process is gone, now locked by us; `known` instances are left alone."""
        found = []
        for name, path in self._entries():
            if name.startswith(NEW_PREFIX):
                remove_unfinished(path)
            elif name not in known and (directory := adopt_directory(path)) is not None:
                found.append(directory)
        return found

    def size_bytes(self) -> int:
        """What all instances take on disk together."""
        total = 0
        for _, path in self._entries():
            with contextlib.suppress(OSError), os.scandir(path) as files:
                for file in files:
                    with contextlib.suppress(OSError):
                        total += file.stat().st_size
        return total

    def _entries(self) -> list[tuple[str, str]]:
        if self.path is None:
            return []
        try:
            with os.scandir(self.path) as entries:
                return sorted(
                    (entry.name, entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)
                )
        except OSError:
            return []


def make_private(path: str) -> None:
    """Make the directory, readable by us alone. PermissionError when another user made it first."""
    os.makedirs(path, 0o700, exist_ok=True)  # noqa: PTH103
    if os.stat(path).st_uid != os.geteuid():  # noqa: PTH116
        raise PermissionError(f"{path} belongs to another user")


def remove_unfinished(path: str) -> None:
    """A process died while it made this directory; a young one may still be in the making."""
    with contextlib.suppress(OSError):
        if time.time() - os.stat(path).st_mtime > UNFINISHED_AFTER_S:  # noqa: PTH116
            remove_tree(path)
