"""What one instance has written and the collector has not acknowledged, oldest first."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, NamedTuple

from ..losses import Losses
from .directory import InstanceDirectory
from .records import read_records, sequence_of
from .segment import Segment, load_segment

WHOLE = 1 << 62


class Batch(NamedTuple):
    segment: Segment
    lines: list[bytes]
    consumed: int

    @property
    def first_seq(self) -> int:
        return sequence_of(self.lines[0])


class Queued(NamedTuple):
    events: int
    size_bytes: int


class Backlog:
    """Segments of one instance. The lock is shared with the writer of the newest segment, if there is one."""

    def __init__(
        self,
        directory: InstanceDirectory | None,
        origin: dict[str, Any],
        losses: Losses,
        lock: threading.RLock | None = None,
    ) -> None:
        self.directory = directory
        self.origin = origin
        self.segments: list[Segment] = []
        self.sent_events = 0
        self._losses = losses
        self._lock = lock or threading.RLock()

    def load(self) -> None:
        """Take up what an earlier process left. What can't be read is counted as damaged."""
        assert self.directory is not None
        first, offset = self.directory.read_cursor()
        for number, path, size_bytes, age_s in self.directory.segments():
            segment = load_segment(number, path, size_bytes, age_s)
            if number < first:
                segment.remove()
                continue
            segment.sent_offset = min(offset, size_bytes) if number == first else 0
            self._count_events(segment)
            self.segments.append(segment)

    def _count_events(self, segment: Segment) -> None:
        try:
            content = segment.read_unsent().rstrip(b"\0")  # a preallocated rest holds no lines
        except OSError:
            content = b""
        segment.end = segment.sent_offset + len(content)
        reading = read_records(content, WHOLE, WHOLE)
        segment.events = len(reading.lines)
        self._losses.count("damaged", reading.damaged)

    def next_batch(self, max_events: int, max_bytes: int) -> Batch | None:
        """The oldest events not yet acknowledged, all of one segment; None when there are none.

        The same again until `acknowledge`: a batch that failed is read anew, so nothing is kept in memory.
        """
        while (segment := self._oldest_unsent()) is not None:
            try:
                with self._lock:
                    content = segment.read_unsent()
            except OSError:  # someone removed the file
                self._drop(segment, "damaged")
                continue
            reading = read_records(content, max_events, max_bytes)
            if reading.lines:
                return Batch(segment, reading.lines, reading.consumed)
            self._advance(segment, reading.consumed, 0)
        return None

    def _oldest_unsent(self) -> Segment | None:
        with self._lock:
            for segment in self.segments:
                if not segment.is_sent:
                    return segment
        return None

    def sync(self) -> None:
        with self._lock:
            segments = list(self.segments)
        for segment in segments:
            with contextlib.suppress(OSError):
                segment.sync()

    def acknowledge(self, batch: Batch) -> None:
        """The collector has these events, or will never take them."""
        if batch.segment.dropped_because is not None:  # dropped while the batch was on its way
            self._losses.count(batch.segment.dropped_because, -len(batch.lines))
        self._advance(batch.segment, batch.consumed, len(batch.lines))

    def _advance(self, segment: Segment, consumed: int, events: int) -> None:
        with self._lock:
            self.sent_events += events
            segment.sent_offset += consumed
            segment.sent_events += events
            if segment.dropped_because is not None:
                return
            if self.directory is not None:
                self.directory.write_cursor(segment.number, segment.sent_offset)
            if segment.is_sealed and segment.is_sent:
                self._losses.count("damaged", segment.events - segment.sent_events)
                self._forget(segment)

    def drop_oldest(self, reason: str, *, in_memory: bool = False) -> int:
        """Drop the oldest sealed segment whole; the bytes that freed, 0 when there is none."""
        with self._lock:
            for segment in self.segments:
                if segment.is_sealed and (segment.path is None) == in_memory:
                    self._drop(segment, reason)
                    return segment.end
        return 0

    def _drop(self, segment: Segment, reason: str) -> None:
        with self._lock:
            segment.dropped_because = reason
            self._losses.count(reason, segment.events - segment.sent_events)
            self._forget(segment)

    def _forget(self, segment: Segment) -> None:
        segment.remove()
        if segment in self.segments:
            self.segments.remove(segment)

    def queued(self) -> Queued:
        with self._lock:
            return Queued(
                sum(segment.events - segment.sent_events for segment in self.segments),
                sum(segment.end - segment.sent_offset for segment in self.segments),
            )

    def oldest_written_at(self) -> float | None:
        """When the oldest sealed segment was last written (monotonic seconds), or None."""
        with self._lock:
            for segment in self.segments:
                if segment.is_sealed:
                    return segment.written_at
        return None

    def oldest_line(self) -> bytes | None:
        """The line that waits longest, or None."""
        segment = self._oldest_unsent()
        if segment is None:
            return None
        with contextlib.suppress(OSError), self._lock:
            lines = read_records(segment.read_unsent(), 1, WHOLE).lines
            return lines[0] if lines else None
        return None

    def close(self) -> None:
        """Let go of every file; a directory with nothing left to send is removed."""
        with self._lock:
            for segment in list(self.segments):
                if segment.path is None and not segment.is_sent:
                    self._drop(segment, "memory_lost")
                segment.close()
            if self.directory is None:
                return
            if all(segment.is_sent for segment in self.segments):
                self.directory.remove()
            else:
                self.directory.close()

    def abandon(self) -> None:
        """In a forked child: close the copies of the parent's descriptors, and nothing more."""
        for segment in self.segments:
            segment.close()
        if self.directory is not None:
            self.directory.close()
