"""One file of the spool: preallocated and mapped while it is written, plain bytes afterwards.

Preallocated, so that a full disk shows when the file is made, and never as a fatal signal in a write.
"""

from __future__ import annotations

import contextlib
import os
import time
from mmap import mmap

sync_file = getattr(os, "fdatasync", os.fsync)


class Segment:
    """Without a path it lives in memory, for as long as the disk can't be written."""

    def __init__(self, number: int, path: str | None, capacity: int) -> None:
        self.number = number
        self.path = path
        self.capacity = capacity
        self.end = 0
        self.events = 0
        self.sent_offset = 0
        self.sent_events = 0
        self.synced_to = 0
        self.is_sealed = False
        self.opened_at = self.written_at = time.monotonic()
        """On the clock that never jumps: a wrong date must not make events old."""
        self.dropped_because: str | None = None
        self.map: mmap | None = None
        self._fd = -1

    @property
    def is_sent(self) -> bool:
        return self.sent_offset >= self.end

    def read_unsent(self) -> bytes:
        """The bytes from the first record that is not acknowledged to the end of what was written."""
        if self.map is not None:
            return self.map[self.sent_offset : self.end]
        if self.path is None:
            return b""
        with open(self.path, "rb") as file:  # noqa: PTH123  (pathlib costs start-up time)
            file.seek(self.sent_offset)
            return file.read(self.end - self.sent_offset)

    def sync(self) -> None:
        """Make what was written so far survive a power cut too."""
        if self.path is None or self.synced_to >= self.end:
            return
        end = self.end
        if self._fd >= 0:
            sync_file(self._fd)
        else:
            fd = os.open(self.path, os.O_RDONLY)
            try:
                sync_file(fd)
            finally:
                os.close(fd)
        self.synced_to = end

    def seal(self) -> None:
        """No more writes: give back the unused room, and the map of a file."""
        self.is_sealed = True
        self.written_at = time.monotonic()
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.end)
            self.close()

    def rename(self, number: int, path: str) -> None:
        assert self.path is not None
        os.rename(self.path, path)  # noqa: PTH104
        self.number, self.path = number, path

    def close(self) -> None:
        """Let go of map and descriptor; the file stays. Safe to repeat."""
        if self.map is not None:
            with contextlib.suppress(BufferError):
                self.map.close()
            self.map = None
        # Forgotten first: a child forked in between would close it again, or what has its number by then.
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def remove(self) -> None:
        self.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108

    def open_map(self) -> None:
        """Raises OSError when the disk is full or can't be written; nothing is left behind then."""
        if self.path is None:
            self.map = mmap(-1, self.capacity)
            return
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            allocate(self._fd, self.capacity)
            self.map = mmap(self._fd, self.capacity)
        except BaseException:
            self.remove()
            raise


def allocate(fd: int, size_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size_bytes)
    else:
        os.write(fd, bytes(size_bytes))


def create_segment(number: int, path: str | None, capacity: int) -> Segment:
    segment = Segment(number, path, capacity)
    segment.open_map()
    return segment


def load_segment(number: int, path: str, size_bytes: int, age_s: float) -> Segment:
    """A segment that an earlier process left; its events are counted by whoever reads it."""
    segment = Segment(number, path, size_bytes)
    segment.end = segment.synced_to = size_bytes
    segment.is_sealed = True
    segment.written_at -= age_s
    return segment
