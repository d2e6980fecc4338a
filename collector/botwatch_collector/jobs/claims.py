"""Who runs a job: the one whose conditional update changed its row, so that any number of hosts may try."""

from collections.abc import Iterable

import peewee

from .. import db, models
from ..clock import MINUTE

LEASE_MS = 10 * MINUTE
"""After so long a claimant counts as dead. A run takes a small part of it."""


def register(names: Iterable[str], now: int) -> None:
    """Make the rows of jobs that have none yet, due at once."""
    with db.writing():
        for name in names:
            models.Job.insert(name=name, due_at=now).on_conflict_ignore().execute()


def claim(name: str, period_ms: int, claimant: str, now: int) -> bool:
    """Whether the job is due, and now the claimant's.

    Times further ahead than they can be were written under a clock that has been set back since: they don't
    count.
    """
    job = models.Job
    is_due = (job.due_at <= now) | (job.due_at > now + period_ms)
    is_free = job.claimed_until.is_null() | (job.claimed_until <= now) | (job.claimed_until > now + LEASE_MS)
    if not job.select().where(job.name == name, is_due, is_free).exists():
        return False
    with db.writing():
        changed = (
            job.update(claimed_by=claimant, claimed_until=now + LEASE_MS, started_at=now)
            .where(job.name == name, is_due, is_free)
            .execute()
        )
    return bool(changed == 1)


def succeed(name: str, claimant: str, now: int, due_at: int) -> None:
    """Give the job back until it is due again."""
    _release(
        name, claimant, {models.Job.due_at: due_at, models.Job.succeeded_at: now, models.Job.error: None}
    )


def fail(name: str, claimant: str, due_at: int, error: str) -> None:
    _release(name, claimant, {models.Job.due_at: due_at, models.Job.error: error})


def _release(name: str, claimant: str, changes: dict[peewee.Field, object]) -> None:
    job = models.Job
    with db.writing():
        job.update({**changes, job.claimed_by: None, job.claimed_until: None}).where(
            job.name == name, job.claimed_by == claimant
        ).execute()
