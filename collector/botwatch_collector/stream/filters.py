"""What a reader asks for beside its bots."""

from dataclasses import dataclass

from .frames import Frame


@dataclass(frozen=True)
class Filters:
    """None takes everything. Readers with equal filters want the same frames.

    What a filter speaks of has to be there: an activity has no direction, so none matches `direction="in"`.
    States belong to bots and have nothing else to filter by.
    """

    channels: tuple[str, ...] = ("messages",)
    user: str | None = None
    direction: str | None = None
    channel: str | None = None
    text: str | None = None

    def match(self, frame: Frame) -> bool:
        if frame.stream not in self.channels:
            return False
        return frame.id is None or (
            self.user in (None, frame.user_id)
            and self.direction in (None, frame.direction)
            and self.channel in (None, frame.channel)
            and (self.text is None or _folded(self.text) in _folded(frame.text))
        )


def _folded(text: str | None) -> str:
    return (text or "").casefold()
