"""Precomputed counts, by bot and bucket; `at` is the bucket's start. All can be rebuilt from messages."""

import peewee

from .base import Table


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


class ResponseTimes(Bucketed):
    """A histogram: how many times fell into each logarithmic bucket."""

    measure = peewee.BigIntegerField()
    bucket = peewee.BigIntegerField()
    times = peewee.BigIntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at", "measure", "bucket")


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


class MessageHour(MessageCounts):
    pass


class MessageDay(MessageCounts):
    pass


class ResponseMinute(ResponseTimes):
    pass


class ResponseHour(ResponseTimes):
    pass


class ResponseDay(ResponseTimes):
    pass


class ResponseEver(ResponseTimes):
    pass


class UserHour(UserCounts):
    pass


class UserDay(UserCounts):
    pass


class UserWeek(UserCounts):
    pass


class UserMonth(UserCounts):
    pass


class PrunedHour(Bucketed):
    """An hour that messages were removed from: what the rollups say of it can't be counted again."""

    class Meta:
        primary_key = peewee.CompositeKey("bot_id", "at")
