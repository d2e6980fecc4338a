"""How long a heartbeat counts: what a silence after it means."""

from typing import Literal

from ..models import Heartbeat

State = Literal["up", "late", "down", "stopped", "never"]

_LATE_S, _DOWN_S = 10, 60


def limits_s(interval_s: float, grace_s: float | None = None) -> tuple[float, float]:
    """The silence after which one is late, and after which it is down.

    Late after two missed intervals (10 s at least), down after four (a minute at least). One that brings its
    own grace is late after its interval, and down when the grace is over.
    """
    if grace_s is not None:
        return interval_s, interval_s + grace_s
    return max(2 * interval_s, _LATE_S), max(4 * interval_s, _DOWN_S)


def state_of(heartbeat: Heartbeat | None, now: int) -> State:
    """What an instance is whose newest heartbeat this is."""
    if heartbeat is None:
        return "never"
    if heartbeat.stopping:
        return "stopped"
    # One of the future came before the clock was set back: how long ago, nobody knows. Who lives beats again.
    silent_s = abs(now - heartbeat.received_at) / 1_000
    late_s, down_s = limits_s(heartbeat.interval_s, heartbeat.details.get("grace_s"))
    return "up" if silent_s <= late_s else "late" if silent_s <= down_s else "down"
