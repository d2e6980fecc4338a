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


class UserWeek(UserCounts):
    pass


class UserMonth(UserCounts):
    pass


class UserYear(UserCounts):
    pass


class KnownUsers(Table):
    """How many people wrote to these bots in a past bucket of some zone, as it was counted for a reader.

    Right as long as the bucket has that many messages in and as many erasures have been.
    """

    bots = peewee.TextField()
    start_at = peewee.BigIntegerField()
    end_at = peewee.BigIntegerField()
    users = peewee.BigIntegerField()
    messages = peewee.BigIntegerField()
    erasures = peewee.BigIntegerField()
    counted_at = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bots", "start_at", "end_at")

    @classmethod
    def erasures_so_far(cls) -> int:
        """To be read before anything is counted."""
        kept = Setting.get_or_none(Setting.name == _ERASURES)
        return int(kept.value) if kept else 0

    @classmethod
    def note_erasure(cls) -> None:
        """Nothing kept holds any more. In the transaction that takes people off the rollups."""
        text = str(cls.erasures_so_far() + 1)
        Setting.insert(name=_ERASURES, value=text).on_conflict(
            conflict_target=[Setting.name], update={Setting.value: text}
        ).execute()
        cls.delete().execute()


class PrunedHour(Bucketed):
    """An hour that messages were removed from: what the rollups say of it can't be counted again."""

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at")
