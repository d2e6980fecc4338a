"""What is wrong or was: the incidents of rules, and what was told of them."""

import peewee

from ..db import Json
from .base import Table


class Incident(Table):
    """The time in which a rule's condition held. Its id is that of the event that told its beginning.

    `subject` is what of the bot is concerned, such as the name of a check; empty for the bot as a whole.
    `resolved_by` names nobody where it ended by itself.
    """

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    rule = peewee.TextField()
    subject = peewee.TextField()
    severity = peewee.TextField()
    message = peewee.TextField()
    details = Json()
    opened_at = peewee.BigIntegerField()
    resolved_at = peewee.BigIntegerField(null=True)
    resolved_by = peewee.TextField(null=True)


class IncidentChange(Table):
    """An incident as it was when it began, or ended; what the stream tells."""

    id = peewee.BigIntegerField(primary_key=True)
    bot_id = peewee.BigIntegerField()
    received_at = peewee.BigIntegerField()
    incident_id = peewee.BigIntegerField()
    rule = peewee.TextField()
    subject = peewee.TextField()
    severity = peewee.TextField()
    message = peewee.TextField()
    opened_at = peewee.BigIntegerField()
    resolved_at = peewee.BigIntegerField(null=True)
    resolved_by = peewee.TextField(null=True)
    details = Json()


class IncidentWatch(Table):
    """Where a rule stands on its way into an incident or out of it, since when; no row where all is well."""

    bot_id = peewee.BigIntegerField()
    rule = peewee.TextField()
    subject = peewee.TextField()
    state = peewee.TextField()
    since = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "rule", "subject")
