"""The batches that wait for their transaction: bounded, and taken bot by bot: none waits for a flood."""

import threading
from collections import deque
from dataclasses import dataclass, field

from ..errors import Unavailable
from .shares import Shares
from .store import Incoming, Outcome

_GROUP_EVENTS = 2_500


@dataclass(eq=False)
class Waiting:
    """A batch, and what became of it once it is done."""

    incoming: Incoming
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    error: Exception | None = None

    @property
    def events(self) -> int:
        return len(self.incoming.batch.events)


class Queue:
    """A line for each bot; the next batch comes from the bot whose turn is longest ago."""

    def __init__(self, most_events: int) -> None:
        self._shares = Shares(most_events)
        self._lines: dict[int, deque[Waiting]] = {}
        self._changed = threading.Condition()
        self._closed = False

    @property
    def events(self) -> int:
        """How many wait, or are being stored."""
        return self._shares.taken

    def put(self, waiting: Waiting) -> None:
        """Raises Unavailable when there is no room for this bot, or none any more for anybody."""
        bot_id = waiting.incoming.bot_id
        with self._changed:
            if self._closed:
                raise Unavailable("the collector is ending", retry_after_s=2)
            if not self._shares.take(bot_id, waiting.events):
                raise Unavailable("too many events of this bot are waiting to be stored", retry_after_s=2)
            self._lines.setdefault(bot_id, deque()).append(waiting)
            self._changed.notify()

    def take_group(self) -> list[Waiting]:
        """What one transaction is to store; waits for something. Empty when the queue is closed and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closed)
            group: list[Waiting] = []
            self.add_to(group)
            return group

    def add_to(self, group: list[Waiting]) -> list[Waiting]:
        """Add what waits, unless it is more than one transaction should store; what was added."""
        before, events = len(group), sum(waiting.events for waiting in group)
        with self._changed:
            while self._lines and events < _GROUP_EVENTS:
                group.append(self._next())
                events += group[-1].events
        return group[before:]

    def give_up(self, waiting: Waiting) -> None:
        """Its sender has gone: it need not be stored any more, unless it is too late for that."""
        bot_id = waiting.incoming.bot_id
        with self._changed:
            line = self._lines.get(bot_id)
            if line is None or waiting not in line:
                return
            line.remove(waiting)
            if not line:
                del self._lines[bot_id]
        self._shares.give_back(bot_id, waiting.events)

    def finish(self, group: list[Waiting]) -> None:
        """Make room again, and wake those who wait for the outcome."""
        for waiting in group:
            self._shares.give_back(waiting.incoming.bot_id, waiting.events)
            waiting.done.set()

    def close(self) -> None:
        """Take nothing more; what waits is still to be had."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> Waiting:
        bot_id, line = next(iter(self._lines.items()))
        waiting = line.popleft()
        # A dict keeps the order of insertion: behind all others now.
        del self._lines[bot_id]
        if line:
            self._lines[bot_id] = line
        return waiting
