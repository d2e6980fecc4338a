"""Who is there: each user of a bot as they are now, and what was told of it to those who watch."""

import peewee

from .base import Table


class Presence(Table):
    """What the stream tells. `change` is "status", "typing" or "hidden", which takes back the others.

    Nothing here is of a user who is hidden, except that they are.
    """

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    occurred_at = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    change = peewee.TextField()
    user_id = peewee.TextField()
    user_name = peewee.TextField(null=True)
    status = peewee.TextField(null=True)
    message = peewee.TextField(null=True)
    page = peewee.TextField(null=True)
    device = peewee.TextField(null=True)
    seen_at = peewee.BigIntegerField(null=True)
    typing_until = peewee.BigIntegerField(null=True)


class PresenceNow(Table):
    """A user of a bot as last heard of. Whether that still holds, the timeouts say when it is read.

    `said_at`, `typing_at` and `shown_at` are the bot's times of the newest word on each, -1 before the first:
    an older one that comes later changes nothing. `seen_at` is ours, 0 when never. `told` is the status that
    the stream told last.
    """

    bot_id = peewee.BigIntegerField()
    user_id = peewee.TextField()
    user_name = peewee.TextField(null=True)
    status = peewee.TextField()
    message = peewee.TextField(null=True)
    page = peewee.TextField(null=True)
    device = peewee.TextField(null=True)
    said_at = peewee.BigIntegerField()
    seen_at = peewee.BigIntegerField()
    typing_at = peewee.BigIntegerField()
    typing_until = peewee.BigIntegerField()
    show_status = peewee.BooleanField()
    shown_at = peewee.BigIntegerField()
    told = peewee.TextField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "user_id")
