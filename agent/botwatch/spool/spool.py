"""The write side of the queue: an accepted line is in a memory-mapped file before the call returns.

The page cache outlives the process, so the line survives kill -9 from then on. What the collector does not
take at once is synced, and survives a power cut too; syncing all would cost as much as sending it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from zlib import crc32

from ..losses import Losses
from .backlog import Backlog, Batch, Queued
from .directory import InstanceDirectory
from .records import HEADER, HEADER_SIZE
from .root import SpoolRoot
from .segment import Segment, create_segment

MEMORY_SEGMENTS = 8
NEVER = 1 << 62


class Spool:
    """Events of this process, numbered from 1, and the backlogs of dead instances it took over."""

    def __init__(
        self,
        root: SpoolRoot,
        origin: dict[str, Any],
        losses: Losses,
        *,
        segment_bytes: int,
        max_bytes: int,
        wake_sender: Callable[[], None],
        wake_pulse: Callable[[], None],
    ) -> None:
        self.origin = origin
        self.orphans: list[Backlog] = []
        self.disk_error: OSError | None = None
        self._root = root
        self._losses = losses
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._wake_sender = wake_sender
        self._wake_pulse = wake_pulse
        self._lock = threading.RLock()
        self._preparing = threading.Lock()
        self._spare: Segment | None = None
        self._number = 0
        self._is_writing = False
        self._is_closed = False
        self._deferred: list[str] = []
        self._seq = self._end = 0
        self._wake_at = NEVER
        self.backlog = Backlog(self._open_directory(), origin, losses, self._lock)
        self._activate(self._new_segment(segment_bytes))

    @property
    def accepted(self) -> int:
        """Events accepted so far, which is also the number of the latest."""
        return self._seq

    @property
    def is_on_disk(self) -> bool:
        return self._active.path is not None

    @property
    def place(self) -> str:
        return "disk" if self.is_on_disk else "memory"

    def append(self, body: str, pack: Any = HEADER.pack_into, checksum: Any = crc32) -> None:
        """Accept one event: `body` is its JSON object without the braces. Durable when this returns.

        A signal handler or finalizer that interrupts a write in its own thread is put behind that write.
        """
        with self._lock:
            if self._is_writing:
                self._deferred.append(body)
                return
            self._is_writing = True
            try:
                seq = self._seq + 1
                line = f'{{"seq":{seq},{body}}}\n'.encode("utf-8", "replace")
                size = len(line)
                start = self._end
                stop = start + HEADER_SIZE + size
                if stop > self._capacity:
                    self._roll(HEADER_SIZE + size)
                    start, stop = 0, HEADER_SIZE + size
                target = self._map
                target[start + HEADER_SIZE : stop] = line
                pack(target, start, size, checksum(line))
                self._end = stop
                self._seq = seq
                if seq >= self._wake_at:
                    self._wake_at = NEVER
                    self._wake_sender()
            finally:
                self._is_writing = False
            if self._deferred:
                self._append_deferred()

    def _append_deferred(self) -> None:
        while self._deferred:
            self.append(self._deferred.pop(0))

    def wake_after(self, events: int) -> None:
        """Wake the sender when so many more events are accepted."""
        with self._lock:
            self._wake_at = self._seq + events

    def _roll(self, size_bytes: int) -> None:
        """Go on in a new segment that has room for `size_bytes`."""
        if self._is_closed:
            raise ValueError("the spool is closed")
        self._settle()
        self._active.seal()
        self._capacity = 0  # until there is a new segment, every write comes here again
        spare, self._spare = self._spare, None
        if spare is not None and spare.capacity >= size_bytes and self._adopt_spare(spare):
            segment = spare
        else:
            if spare is not None:
                spare.remove()
            segment = self._new_segment(max(self._segment_bytes, size_bytes))
        self._activate(segment)
        self._wake_pulse()

    def _adopt_spare(self, spare: Segment) -> bool:
        directory = self.backlog.directory
        if directory is None:
            return False
        try:
            spare.rename(self._number + 1, directory.segment_path(self._number + 1))
        except OSError:
            return False
        self._number += 1
        return True

    def _activate(self, segment: Segment) -> None:
        assert segment.map is not None
        self._active = segment
        self._map = segment.map
        self._capacity = segment.capacity
        self._end = 0
        self._first_seq = self._seq + 1
        self.backlog.segments.append(segment)

    def _new_segment(self, size_bytes: int) -> Segment:
        """On disk if at all possible, in memory otherwise."""
        self._number += 1
        directory = self.backlog.directory
        if directory is not None:
            self._make_room(size_bytes)
            try:
                segment = create_segment(self._number, directory.segment_path(self._number), size_bytes)
            except OSError as error:
                self.disk_error = error
            else:
                self.disk_error = None
                return segment
        in_memory = sum(segment.path is None for segment in self.backlog.segments)
        if in_memory >= MEMORY_SEGMENTS:
            self.backlog.drop_oldest("memory_full", in_memory=True)
        return create_segment(self._number, None, size_bytes)

    def _make_room(self, size_bytes: int) -> None:
        """Drop oldest segments until the new one fits; of other live processes nothing is touched."""
        excess = self._root.size_bytes() + size_bytes - self._max_bytes
        while excess > 0 and (freed := self._drop_oldest("spool_full")):
            excess -= freed

    def _drop_oldest(self, reason: str) -> int:
        for backlog in (*self.orphans, self.backlog):
            if freed := backlog.drop_oldest(reason):
                return freed
        return 0

    def prepare(self) -> None:
        """Have the next segment ready, so that no call waits for the disk; go back to a disk that is back."""
        with self._preparing:
            if not self._is_closed:
                self._prepare()

    def _prepare(self) -> None:
        directory = self.backlog.directory
        is_lost = directory is None or not directory.exists()
        if is_lost:
            if directory is not None:
                directory.close()
            self.backlog.directory = self._open_directory()
        self._make_spare()
        if self._spare is not None and (is_lost or not self.is_on_disk):
            self._roll_early()

    def _roll_early(self) -> None:
        with self._lock:
            self._is_writing = True
            try:
                self._roll(0)
            finally:
                self._is_writing = False
            self._append_deferred()

    def _make_spare(self) -> None:
        directory = self.backlog.directory
        if directory is None or self._spare is not None:
            return
        self._make_room(self._segment_bytes)
        try:
            spare = create_segment(0, directory.spare_path, self._segment_bytes)
        except OSError as error:
            self.disk_error = error
            return
        with self._lock:
            self._spare, self.disk_error = spare, None

    def _open_directory(self) -> InstanceDirectory | None:
        try:
            return self._root.create(self.origin)
        except OSError as error:
            self.disk_error = error
            return None

    def _settle(self) -> None:
        """Let the reading side see what the writing side has reached."""
        self._active.end = self._end
        self._active.events = self._seq - self._first_seq + 1

    def next_batch(self, max_events: int, max_bytes: int) -> Batch | None:
        with self._lock:
            self._settle()
        return self.backlog.next_batch(max_events, max_bytes)

    def acknowledge(self, batch: Batch) -> None:
        self.backlog.acknowledge(batch)

    def sync(self) -> None:
        """Make what this instance wrote so far survive a power cut."""
        with self._lock:
            self._settle()
        self.backlog.sync()

    @property
    def waiting(self) -> int:
        """This instance's own events that are still queued."""
        with self._lock:
            self._settle()
            return self.backlog.queued().events

    @property
    def finished(self) -> int:
        """Number of the latest event before which nothing is queued."""
        with self._lock:
            return self._seq - self.waiting

    def queued(self) -> Queued:
        """Of this instance and of those it took over."""
        with self._lock:
            self._settle()
        parts = [backlog.queued() for backlog in (self.backlog, *self.orphans)]
        return Queued(sum(part.events for part in parts), sum(part.size_bytes for part in parts))

    def oldest_line(self) -> bytes | None:
        for backlog in (*self.orphans, self.backlog):
            if (line := backlog.oldest_line()) is not None:
                return line
        return None

    def adopt_orphans(self) -> None:
        """Take over what dead instances left. Cheap when there are none."""
        known = {self.origin["instance"], *(orphan.origin["instance"] for orphan in self.orphans)}
        for directory in self._root.orphans(known):
            orphan = Backlog(directory, directory.origin, self._losses)
            orphan.load()
            self.orphans.append(orphan)

    def release_sent_orphans(self) -> None:
        for orphan in [orphan for orphan in self.orphans if orphan.queued().size_bytes == 0]:
            self.orphans.remove(orphan)
            orphan.close()

    def drop_older_than(self, max_age_s: float, now: float) -> None:
        """Drop segments last written more than `max_age_s` before `now` (monotonic seconds).

        A quiet bot's newest is closed before it spans too long a time.
        """
        if self._seq >= self._first_seq and now - self._active.opened_at > max_age_s / 8:
            self._roll_early()
        for backlog in (*self.orphans, self.backlog):
            while (written_at := backlog.oldest_written_at()) is not None and now - written_at > max_age_s:
                backlog.drop_oldest("too_old")

    def close(self) -> None:
        """Let go of everything; a directory with nothing left to send is removed."""
        with self._preparing, self._lock:
            self._is_closed = True
            self._capacity = 0
            self._settle()
            if self._spare is not None:
                self._spare.remove()
                self._spare = None
        for backlog in (self.backlog, *self.orphans):
            backlog.close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, touching nothing the parent uses."""
        for backlog in (self.backlog, *self.orphans):
            backlog.abandon()
        if self._spare is not None:
            self._spare.close()
