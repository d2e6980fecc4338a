"""Which jobs there are: a table of data. A job runs on one host at a time, and safely any number of times."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import alerts, partitions, presence, retention, views
from ..clock import DAY, HOUR, SECOND
from ..config import Config
from ..upkeep import optimise, readings


@dataclass(frozen=True)
class Job:
    """`run` gets the configuration and the time; it works for some seconds and says whether more is left."""

    name: str
    run: Callable[[Config, int], bool]
    period_ms: int


JOBS = (
    Job("partitions", partitions.look_after, 6 * HOUR),
    Job("prune", retention.prune_for_a_while, HOUR),
    Job("views", views.refresh, HOUR),
    Job("presence", presence.time_out, 15 * SECOND),
    Job("alerts", alerts.look, 15 * SECOND),
    Job("optimise", optimise.optimise, DAY),
    Job("readings", readings.keep, readings.PERIOD_MS),
)
