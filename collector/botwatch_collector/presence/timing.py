"""Tells the stream of users whose time ran out: away by inactivity, offline by timeout.

What pages and the API show needs none of this: they reckon with the time at which they are asked.
"""

from typing import Any

from .. import db, models
from ..clock import SECOND
from ..config import Config, Timeouts
from .standing import Standing, Status, status_at
from .update import change, keep, tell

_USERS_AT_ONCE = 500


def time_out(config: Config, now: int) -> bool:
    """The job: tell of some of those whose status is another by now; whether more are left."""
    timeouts = config.presence
    if not _overdue(now, timeouts).exists():
        return False
    with db.writing():
        # Reserved first: on PostgreSQL it keeps others from the same users until the commit.
        first_id = models.EventSequence.reserve(_USERS_AT_ONCE)
        found = [Standing._make(row) for row in _overdue(now, timeouts).limit(_USERS_AT_ONCE).tuples()]
        standings = [one._replace(told=_present(one, now, timeouts)) for one in found]
        tell(
            change("status", id, one, occurred_at=_since(one, timeouts), received_at=now)
            for id, one in enumerate(standings, first_id)
        )
        keep(standings)
        db.announce()
    return len(found) == _USERS_AT_ONCE


def _present(one: Standing, now: int, timeouts: Timeouts) -> Status:
    return status_at(one.status, one.seen_at, now, timeouts)


def _since(one: Standing, timeouts: Timeouts) -> int:
    timeout_s = timeouts.offline_s if one.told == "offline" else timeouts.away_s
    return one.seen_at + timeout_s * SECOND


def _overdue(now: int, timeouts: Timeouts) -> Any:
    row: Any = models.PresenceNow
    is_gone = row.seen_at <= now - timeouts.offline_s * SECOND
    is_idle = (row.told == "online") & (row.seen_at <= now - timeouts.away_s * SECOND)
    columns = [getattr(row, name) for name in Standing._fields]
    return row.select(*columns).where(row.told != "offline", is_gone | is_idle).order_by(row.seen_at)
