"""What the streams of a process share: one reader of the database, one board of states, the seats."""

from .seats import Seat, Seats
from .states import Board
from .tailer import Tailer


class Hub:
    """One for each process."""

    def __init__(self, tailer: Tailer | None = None, board: Board | None = None) -> None:
        self.tailer = tailer or Tailer()
        self.board = board or Board()
        self._begin()

    def start_over(self) -> None:
        """In a forked child: the readers are its parent's."""
        self.tailer.start_over()
        self.board.start_over()
        self._begin()

    @property
    def readers(self) -> int:
        return self.seats.taken

    @property
    def slow_readers(self) -> int:
        """Those who are caught up from the database, or take nothing at present."""
        return len(self.slow)

    def let_in(self, seat: Seat, channels: tuple[str, ...]) -> "Place":
        """Raises Unavailable or TooManyRequests when the seats are taken."""
        self.seats.take(seat)
        self.tailer.attach()
        self.board.attach(channels)
        return Place(self, seat, channels)

    def _begin(self) -> None:
        self.seats = Seats()
        self.slow: set[Place] = set()


class Place:
    """One reader's, until he leaves."""

    def __init__(self, hub: Hub, seat: Seat, channels: tuple[str, ...]) -> None:
        self.tailer, self.board = hub.tailer, hub.board
        self._hub, self._seat, self._channels = hub, seat, channels
        self._is_left = False

    def note_slow(self, is_slow: bool) -> None:
        (self._hub.slow.add if is_slow else self._hub.slow.discard)(self)

    def leave(self) -> None:
        """Safe to repeat."""
        if self._is_left:
            return
        self._is_left = True
        self.note_slow(False)
        self.board.detach(self._channels)
        self.tailer.detach()
        self._hub.seats.give_back(self._seat)
