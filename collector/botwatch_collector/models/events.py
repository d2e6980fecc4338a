"""What agents report. The ids of all kinds of events come from one sequence."""

from typing import NamedTuple

import peewee

from ..db import Json, is_postgresql
from .base import Table


class EventSequence(Table):
    """The one row that hands out event ids, in the order of commits.

    Messages up to `counted_id` are in the rollups, but for users of `user_waiting`; those after it and up to
    `reserved_id` wait to be counted.
    """

    reserved_id = peewee.BigIntegerField()
    counted_id = peewee.BigIntegerField()

    @classmethod
    def take_turn(cls) -> None:
        """Wait for all who reserve ids before this transaction; on SQLite who may write has done so."""
        if is_postgresql():
            cls.reserve(0)

    @classmethod
    def reserve(cls, count: int) -> int:
        """The first of `count` new ids, none of them a message's. Holds the row until the commit: ids follow
        the order of commits.
        """
        return cls.reserve_for_messages(count, counts=True).first_id

    @classmethod
    def reserve_for_messages(cls, count: int, *, counts: bool) -> "Reserved":
        """The same where some may be messages. Whether the caller `counts` them, if none before them wait."""
        upto = cls.reserved_id + count
        moved = peewee.Case(None, [(cls.counted_id == cls.reserved_id, upto)], cls.counted_id)
        changes = {cls.reserved_id: upto} | ({cls.counted_id: moved} if counts else {})
        columns = (cls.reserved_id, cls.counted_id)
        ((reserved_id, counted_id),) = cls.update(changes).returning(*columns).tuples().execute()
        return Reserved(reserved_id - count + 1, reserved_id - counted_id)


class Reserved(NamedTuple):
    """The first of the ids, and how many wait to be counted: none where these are the caller's to count."""

    first_id: int
    waiting: int


class EventId(Table):
    """An id that a client gave its event itself, so that sending it again is noticed."""

    bot_id = peewee.BigIntegerField()
    id = peewee.TextField()
    received_at = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "id")


class Message(Table):
    """Text in or out. `response_ms` is what the bot took, `wait_ms` what the user waited."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    instance_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    direction = peewee.TextField()
    user_id = peewee.TextField(null=True)
    user_name = peewee.TextField(null=True)
    channel = peewee.TextField(null=True)
    text = peewee.TextField(null=True)
    response_ms = peewee.BigIntegerField(null=True)
    wait_ms = peewee.BigIntegerField(null=True)
    event_id = peewee.TextField(null=True)
    attributes = Json(null=True)


class Sample(Table):
    """A reading of an instance's resources."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    instance_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    cpu_percent = peewee.DoubleField(null=True)
    memory_bytes = peewee.BigIntegerField(null=True)
    threads = peewee.BigIntegerField(null=True)
    fds = peewee.BigIntegerField(null=True)
    loop_lag_ms = peewee.DoubleField(null=True)
    gc_collections = peewee.BigIntegerField(null=True)
    db_connections = peewee.BigIntegerField(null=True)
    memory_limit_bytes = peewee.BigIntegerField(null=True)
    cpu_limit = peewee.DoubleField(null=True)
    uptime_s = peewee.DoubleField(null=True)
    update_age_s = peewee.DoubleField(null=True)
    attributes = Json(null=True)


class Heartbeat(Table):
    """ "I am alive", due again after `interval_s`. `details` holds version, checks, spool and losses."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    instance_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    interval_s = peewee.DoubleField()
    uptime_s = peewee.DoubleField(null=True)
    update_age_s = peewee.DoubleField(null=True)
    stopping = peewee.BooleanField()
    details = Json()


class Activity(Table):
    """An action on an entity. Uncaught errors are of category "error", what hangs of "performance"."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    instance_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    action = peewee.TextField()
    category = peewee.TextField()
    severity = peewee.TextField()
    status = peewee.TextField()
    entity_type = peewee.TextField(null=True)
    entity_id = peewee.TextField(null=True)
    user_id = peewee.TextField(null=True)
    duration_ms = peewee.BigIntegerField(null=True)
    details = Json(null=True)


class CheckResult(Table):
    """What one of a bot's dependencies answered, each time it was asked. The newest is in the heartbeat."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    instance_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    name = peewee.TextField()
    status = peewee.TextField()
    latency_ms = peewee.DoubleField(null=True)
    message = peewee.TextField(null=True)


class BotUser(Table):
    """A person who talks with a bot, under the name last seen (at `named_at`, -1 when never).

    What they wrote and when is also the rollup of all time.
    """

    bot_id = peewee.BigIntegerField()
    user_id = peewee.TextField()
    user_name = peewee.TextField(null=True)
    named_at = peewee.BigIntegerField()
    first_at = peewee.BigIntegerField()
    last_at = peewee.BigIntegerField()
    messages = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "user_id")
