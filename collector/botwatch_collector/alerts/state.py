"""When a condition becomes an incident and when it is over: pure, with hysteresis, and silence is silence."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..clock import SECOND

State = Literal["ok", "pending", "firing", "clearing", "dismissed"]


@dataclass(frozen=True)
class Limits:
    """A value above `above` for so long is an incident, one below `clear_below` for so long the end of it."""

    above: float = 0.5
    clear_below: float = 0.5
    fires_after_s: float = 0
    clears_after_s: float = 60


class Watch(NamedTuple):
    """Where a condition stands, since when; "dismissed" after an incident that somebody resolved too soon."""

    state: State
    since: int


OK = Watch("ok", 0)


def next_watch(watch: Watch, value: float | None, limits: Limits, now: int) -> Watch:
    """The watch after a reading; None is not known, and neither begins an incident nor ends one."""
    state = next_state(watch, value, limits, now)
    if state == watch.state:
        return watch
    return OK if state == "ok" else Watch(state, now)


def next_state(watch: Watch, value: float | None, limits: Limits, now: int) -> State:
    """Whether it is an incident by now, or on its way into one or out of one."""
    is_bad = value is not None and value > limits.above
    is_good = value is not None and value < limits.clear_below
    held_s = (now - watch.since) / SECOND
    if watch.state in ("ok", "pending"):
        bad_s = held_s if watch.state == "pending" else 0
        return "ok" if not is_bad else "firing" if bad_s >= limits.fires_after_s else "pending"
    if watch.state == "dismissed":
        return "ok" if is_good else "dismissed"
    if not is_good:
        return "firing"
    good_s = held_s if watch.state == "clearing" else 0
    return "ok" if good_s >= limits.clears_after_s else "clearing"
