"""What the collector keeps about itself."""

import peewee

from ..db import Json
from .base import Table


class Setting(Table):
    """A value that all workers and hosts share, such as the key that signs cookies."""

    name = peewee.TextField(primary_key=True)
    value = peewee.TextField()


class CollectorCounter(Table):
    """A counter summed over all workers; `labels` is a JSON object with sorted keys."""

    name = peewee.TextField()
    labels = peewee.TextField()
    value = peewee.DoubleField()

    class Meta:
        primary_key = peewee.CompositeKey("name", "labels")


class CollectorWorker(Table):
    """A worker that was alive at `seen_at`, with its present readings."""

    id = peewee.TextField(primary_key=True)
    host = peewee.TextField()
    pid = peewee.BigIntegerField()
    started_at = peewee.BigIntegerField()
    seen_at = peewee.BigIntegerField()
    gauges = Json()


class Job(Table):
    """Something done from time to time, by whoever claims it. `error` is what its last run ended with."""

    name = peewee.TextField(primary_key=True)
    due_at = peewee.BigIntegerField()
    claimed_by = peewee.TextField(null=True)
    claimed_until = peewee.BigIntegerField(null=True)
    started_at = peewee.BigIntegerField(null=True)
    succeeded_at = peewee.BigIntegerField(null=True)
    error = peewee.TextField(null=True)


class CollectorReading(Table):
    """What the collector had counted at a time, and how large its database was."""

    at = peewee.BigIntegerField(primary_key=True)
    totals = Json()


class SlowQuery(Table):
    """Statements that took long, all of one shape together; what they were asked with is not kept."""

    shape = peewee.TextField(primary_key=True)
    runs = peewee.BigIntegerField()
    total_ms = peewee.DoubleField()
    worst_ms = peewee.DoubleField()
    last_at = peewee.BigIntegerField()
