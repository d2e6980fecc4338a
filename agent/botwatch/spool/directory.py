"""One instance's directory: whoever holds its lock owns the segments in it.

The lock is `flock`, so it ends with the process, however that ends. Descriptors are not inherited by programs
the bot starts, and a forked child closes its copies.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from struct import Struct
from typing import Any
from zlib import crc32

try:
    import fcntl
except ImportError:  # without file locks no directory can be owned: the spool stays in memory
    fcntl = None  # type: ignore[assignment]

CURSOR = Struct("<QQI")
NEW_PREFIX = ".new-"
SEGMENT_SUFFIX = ".seg"
SPARE = "spare"


class InstanceDirectory:
    def __init__(self, path: str, lock_fd: int, cursor_fd: int, origin: dict[str, Any]) -> None:
        self.path = path
        self.origin = origin
        self._lock_fd = lock_fd
        self._cursor_fd = cursor_fd

    def segment_path(self, number: int) -> str:
        return f"{self.path}/{number:08d}{SEGMENT_SUFFIX}"

    @property
    def spare_path(self) -> str:
        return f"{self.path}/{SPARE}"

    def segments(self) -> list[tuple[int, str, int, float]]:
        """Number, path, size in bytes and seconds since the last write of every segment, oldest first."""
        found, now = [], time.time()
        with os.scandir(self.path) as entries:
            for entry in entries:
                stem, suffix = entry.name[:-4], entry.name[-4:]
                if suffix == SEGMENT_SUFFIX and stem.isdecimal():
                    status = entry.stat()
                    age_s = max(0.0, now - status.st_mtime)
                    found.append((int(stem), entry.path, status.st_size, age_s))
        return sorted(found)

    def read_cursor(self) -> tuple[int, int]:
        """Segment number and offset of the first byte not acknowledged; the very start when damaged.

        Sending from the start again is harmless: the collector knows what it has.
        """
        content = os.pread(self._cursor_fd, CURSOR.size, 0)
        if len(content) == CURSOR.size:
            number, offset, checksum = CURSOR.unpack(content)
            if crc32(content[:16]) == checksum:
                return number, offset
        return 0, 0

    def write_cursor(self, number: int, offset: int) -> None:
        content = CURSOR.pack(number, offset, 0)[:16]
        with contextlib.suppress(OSError):
            os.pwrite(self._cursor_fd, content + crc32(content).to_bytes(4, "little"), 0)

    def exists(self) -> bool:
        return os.path.isdir(self.path)  # noqa: PTH112

    def close(self) -> None:
        """Give the directory up; whoever takes the lock next owns it. Safe to repeat."""
        # Forgotten first, because of forks, as in Segment.close.
        fds = self._cursor_fd, self._lock_fd
        self._cursor_fd = self._lock_fd = -1
        for fd in fds:
            if fd >= 0:
                os.close(fd)

    def remove(self) -> None:
        remove_tree(self.path)
        self.close()


def create_directory(root: str, origin: dict[str, Any]) -> InstanceDirectory:
    """Raises OSError when nothing can be written or locked under `root`.

    It gets its name only once it is locked, so that nobody takes it for an orphan in between.
    """
    if fcntl is None:
        raise OSError("this platform has no file locks")
    path = f"{root}/{NEW_PREFIX}{origin['instance']}"
    os.mkdir(path, 0o700)  # noqa: PTH102
    fds: list[int] = []
    try:
        fds.append(os.open(f"{path}/lock", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        fds.append(os.open(f"{path}/cursor", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        fcntl.flock(fds[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_file(f"{path}/meta.json", json.dumps(origin).encode())
        final = f"{root}/{origin['instance']}"
        os.rename(path, final)  # noqa: PTH104
    except BaseException:
        for fd in fds:
            os.close(fd)
        remove_tree(path)
        raise
    return InstanceDirectory(final, fds[0], fds[1], origin)


def adopt_directory(path: str) -> InstanceDirectory | None:
    """The directory of a process that is gone, or None while its owner lives or another process was first."""
    if fcntl is None:
        return None
    fds: list[int] = []
    try:
        fds.append(os.open(f"{path}/lock", os.O_RDWR))
        fcntl.flock(fds[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its former owner may have removed it between open and lock.
        if os.stat(f"{path}/lock").st_ino != os.fstat(fds[0]).st_ino:  # noqa: PTH116
            raise FileNotFoundError(path)
        fds.append(os.open(f"{path}/cursor", os.O_RDWR | os.O_CREAT, 0o600))
    except OSError:
        for fd in fds:
            os.close(fd)
        return None
    return InstanceDirectory(path, fds[0], fds[1], read_origin(path))


def read_origin(path: str) -> dict[str, Any]:
    """Who wrote the directory. Its name is the instance, whatever state the rest is in."""
    origin: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError), open(f"{path}/meta.json", "rb") as file:  # noqa: PTH123
        content = json.loads(file.read())
        origin = content if isinstance(content, dict) else {}
    return {**origin, "instance": os.path.basename(path)}  # noqa: PTH119


def write_file(path: str, content: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content)


def remove_tree(path: str) -> None:
    """Remove a directory of plain files, as far as it goes."""
    with contextlib.suppress(OSError):
        for name in os.listdir(path):  # noqa: PTH208
            os.unlink(f"{path}/{name}")  # noqa: PTH108
        os.rmdir(path)  # noqa: PTH106
