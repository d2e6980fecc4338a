"""Who may come in: tokens for programs, accounts and their logins for people."""

import peewee

from .base import Table
from .registry import Bot


class Token(Table):
    """A secret for a program. Only its hash is kept; `hint` is its last characters, to recognise it by.

    The key of a job (scope "ping") knows how often the job should report, and how long it may be late.
    """

    id = peewee.BigAutoField()
    bot_id: int | None
    scope = peewee.TextField()
    bot = peewee.ForeignKeyField(Bot, null=True, column_name="bot_id", backref="tokens")
    name = peewee.TextField(default="")
    period_s = peewee.BigIntegerField(null=True)
    grace_s = peewee.BigIntegerField(null=True)
    hint = peewee.TextField()
    hash = peewee.TextField(unique=True)
    created_at = peewee.BigIntegerField()
    last_used_at = peewee.BigIntegerField(null=True)
    revoked_at = peewee.BigIntegerField(null=True)


class Account(Table):
    """A person who uses the web UI. `role` is viewer, operator or admin."""

    id = peewee.BigAutoField()
    username = peewee.TextField(unique=True)
    password_hash = peewee.TextField()
    role = peewee.TextField()
    time_zone = peewee.TextField(null=True)
    created_at = peewee.BigIntegerField()
    disabled_at = peewee.BigIntegerField(null=True)


class Login(Table):
    """One browser session of an account."""

    id = peewee.BigAutoField()
    account = peewee.ForeignKeyField(Account, column_name="account_id", backref="logins")
    hash = peewee.TextField(unique=True)
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField()


class LoginFailure(Table):
    """A refused password, kept while it counts for the throttle."""

    id = peewee.BigAutoField()
    username = peewee.TextField()
    address = peewee.TextField()
    at = peewee.BigIntegerField()
