"""What a reader gets of the stream."""

from dataclasses import dataclass

from ..stream import Filters, Frame


@dataclass(frozen=True)
class Interest:
    """Readers with equal interests share one write. No `bots` means all, those added later too, and the
    collector itself.
    """

    filters: Filters
    bots: frozenset[int] | None = None

    def wants(self, frame: Frame) -> bool:
        return (self.bots is None or frame.bot_id in self.bots) and self.filters.match(frame)
