"""Precomputed counts, by bot and bucket; `at` is the bucket's start. All can be rebuilt from messages."""

import peewee

from .base import Table
from .own import Setting

_ERASURES = "erasures"


class Bucketed(Table):
    """Base of the rollups."""

    bot_id = peewee.BigIntegerField()
    at = peewee.BigIntegerField()


class MessageCounts(Bucketed):
    """Messages, and the count and sum of their times."""

    messages_in = peewee.BigIntegerField()
    messages_out = peewee.BigIntegerField()
    response_count = peewee.BigIntegerField()
    response_sum_ms = peewee.BigIntegerField()
    wait_count = peewee.BigIntegerField()
    wait_sum_ms = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at")


class Histograms(Bucketed):
    """How many times fell into each logarithmic bucket, packed: `rollups/histogram.py` says how."""

    response_ms = peewee.TextField()
    wait_ms = peewee.TextField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at")


class UserCounts(Bucketed):
    """Who wrote, how much, and when first and last."""

    user_id = peewee.TextField()
    messages = peewee.BigIntegerField()
    first_at = peewee.BigIntegerField()
    last_at = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at", "user_id")


class MessageMinute(MessageCounts):
    pass


class MessageQuarterHour(MessageCounts):
    pass


class MessageHour(MessageCounts):
    pass


class MessageDay(MessageCounts):
    pass


class HistogramMinute(Histograms):
    pass


class HistogramHour(Histograms):
    pass


class HistogramDay(Histograms):
    pass


class HistogramMonth(Histograms):
    pass


class UserHour(UserCounts):
    pass


class UserDay(UserCounts):
    pass


class UserMonth(UserCounts):
    pass


class UserYear(UserCounts):
    pass


class UserWaiting(UserCounts):
    """What large commits left of users for others to count, by hour. Counted, it leaves."""

    user_name = peewee.TextField(null=True)
    named_at = peewee.BigIntegerField()


class Known(Table):
    """Base of what is known of the people of these bots in a past span of time, as it was asked for a reader.

    Right as long as the span has that many messages in and as many erasures have been.
    """

    bots = peewee.TextField()
    start_at = peewee.BigIntegerField()
    end_at = peewee.BigIntegerField()
    messages = peewee.BigIntegerField()
    erasures = peewee.BigIntegerField()
    counted_at = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bots", "start_at", "end_at")

    @staticmethod
    def erasures_so_far() -> int:
        """To be read before anything is counted."""
        kept = Setting.get_or_none(Setting.name == _ERASURES)
        return int(kept.value) if kept else 0

    @staticmethod
    def note_erasure() -> None:
        """Nothing kept holds any more. In the transaction that takes people off the rollups."""
        text = str(Known.erasures_so_far() + 1)
        Setting.insert(name=_ERASURES, value=text).on_conflict(
            conflict_target=[Setting.name], update={Setting.value: text}
        ).execute()
        for table in (KnownUsers, KnownBusiest):
            table.delete().execute()


class KnownUsers(Known):
    """How many they were."""

    users = peewee.BigIntegerField()


class KnownBusiest(Known):
    """Who wrote most: a list in JSON of ids and messages, most first."""

    busiest = peewee.TextField()


class PrunedHour(Bucketed):
    """An hour that messages were removed from: what the rollups say of it can't be counted again."""

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at")
