"""What a person and the bots said to each other of late."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from ..analytics.sessions import Spoken
from ..analytics.talk import MOST_MESSAGES, Talk, talk
from ..analytics.window import Window
from .filters import Filters
from .place import Place
from .walk import OLDER, Row, Walk


def newest_talk(
    bots: Sequence[int], user_id: str, window: Window, zone: ZoneInfo, most_sessions: int
) -> Talk:
    """Summed up from the newest messages of the window, 1,000 at most."""
    walk = Walk(bots, window, Filters(user=user_id))
    rows = walk.rows(Place(window.end, 0), OLDER, MOST_MESSAGES + 1)
    spoken = [_spoken(row) for row in rows[:MOST_MESSAGES]]
    return talk(spoken, zone, is_all=len(rows) <= MOST_MESSAGES, most_sessions=most_sessions)


def _spoken(row: Row) -> Spoken:
    _, _, at, direction, _, _, _, _, response_ms, _ = row
    return Spoken(at, direction, response_ms)
