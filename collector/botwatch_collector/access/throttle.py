"""Slows down who guesses passwords, by username and by address.

An attempt is written down before its password is checked, and struck out when it was right. So attempts at
the same moment, in whatever worker or host, see each other, and never more than the limit get through.
"""

import ipaddress

import peewee

from .. import db
from ..clock import SECOND
from ..config import Limits
from ..errors import TooManyRequests
from ..models import LoginFailure
from .accounts import normal

_LONGEST_NAME = 64


def count(username: str, address: str, limits: Limits, now: int) -> None:
    """Note an attempt; raises TooManyRequests, and forgets the attempt, when there were too many."""
    name, origin = _name(username), _network(address)
    with db.writing():
        LoginFailure.delete().where(~_counts(limits, now)).execute()
        attempt = LoginFailure.create(username=name, address=origin, at=now)
    free_at = max(
        _free_at(LoginFailure.username == name, limits.login_failures_per_username, limits, now),
        _free_at(LoginFailure.address == origin, limits.login_failures_per_address, limits, now),
    )
    if free_at > now:
        with db.writing():
            LoginFailure.delete().where(LoginFailure.id == attempt.id).execute()
        wait_s = max(1, -(-(free_at - now) // SECOND))
        raise TooManyRequests("too many wrong passwords: wait before the next try", retry_after_s=wait_s)


def forgive(username: str) -> None:
    """The password was right: what was noted against this name is void."""
    with db.writing():
        LoginFailure.delete().where(LoginFailure.username == _name(username)).execute()


def _free_at(is_counted: peewee.Expression, most: int, limits: Limits, now: int) -> int:
    """When the next attempt is free; 0 when this one, which is among those counted, already is."""
    attempts = LoginFailure.select().where(is_counted & _counts(limits, now))
    if attempts.count() <= most:
        return 0
    oldest = attempts.select(peewee.fn.MIN(LoginFailure.at)).scalar()
    return int(oldest if oldest is not None else now) + limits.login_window_ms


def _counts(limits: Limits, now: int) -> peewee.Expression:
    """Those of the window. One far ahead was noted under a clock that has been set back since."""
    return LoginFailure.at.between(now - limits.login_window_ms + 1, now + limits.login_window_ms)


def _name(username: str) -> str:
    # What a stranger typed: bounded, and without the NUL that PostgreSQL refuses.
    return normal(username).replace("\0", "")[:_LONGEST_NAME]


def _network(address: str) -> str:
    """An IPv6 customer has at least 2**64 addresses: they count as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:_LONGEST_NAME].replace("\0", "")
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
