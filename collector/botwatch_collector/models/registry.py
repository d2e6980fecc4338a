"""Bots, and the instances of them that report."""

import peewee

from .base import Table

PING_AGENT = "ping"
"""The `agent` of instances that are jobs, which report by an address instead of by a library."""


def ping_instance(key_id: int) -> str:
    """The name of the instance that a job's key stands for."""
    return f"{PING_AGENT}-{key_id}"


class Bot(Table):
    """A registered bot. Its name is what people see; its id is in every key of a large table.

    One that is retired is in no list any more, while what it sent is kept as long as everything is.
    """

    id = peewee.BigAutoField()
    name = peewee.TextField(unique=True)
    created_at = peewee.BigIntegerField()
    retired_at = peewee.BigIntegerField(null=True)


class Instance(Table):
    """One running process of a bot. `last_seq` is the watermark: what is at or below it is stored."""

    id = peewee.BigAutoField()
    bot_id = peewee.BigIntegerField()
    name = peewee.TextField()
    host = peewee.TextField(null=True)
    pid = peewee.BigIntegerField(null=True)
    agent = peewee.TextField(null=True)
    last_seq = peewee.BigIntegerField(default=0)
    skew_ms = peewee.BigIntegerField(null=True)
    first_seen_at = peewee.BigIntegerField()
    last_seen_at = peewee.BigIntegerField()
