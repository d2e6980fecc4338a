"""The secrets of tokens and logins, known by their hashes, and which of many still let their holders in.

Thousands of streams outlive the requests that opened them; they are checked by a few queries.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .. import db
from ..clock import HOUR, MINUTE
from ..config import Limits
from ..models import Account, Login, Token

_AT_ONCE = 500


@dataclass(frozen=True)
class Credential:
    """What let somebody in: a `token` or a `login`."""

    kind: str
    hash: str


def hashed(secret: str) -> str:
    """SHA-256 is enough for secrets of ours: their random part leaves nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def still_good(asked: Collection[Credential], limits: Limits, now: int) -> set[Credential]:
    """Those that aren't revoked, ended or expired. An open stream counts as use, as a request does."""
    good: set[Credential] = set()
    for kind, find in (("token", _tokens), ("login", _logins)):
        hashes = [one.hash for one in asked if one.kind == kind]
        for start in range(0, len(hashes), _AT_ONCE):
            found = find(hashes[start : start + _AT_ONCE], limits, now)
            good.update(Credential(kind, hash_) for hash_ in found)
    return good


def _tokens(hashes: list[str], _limits: Limits, now: int) -> list[str]:
    rows: Any = (
        Token.select(Token.hash, Token.last_used_at)
        .where(Token.hash.in_(hashes), Token.revoked_at.is_null())
        .tuples()
    )
    good: dict[str, int] = {hash_: used_at or 0 for hash_, used_at in rows}
    _note(Token, Token.last_used_at, [one for one, used_at in good.items() if now - used_at >= MINUTE], now)
    return list(good)


def _logins(hashes: list[str], limits: Limits, now: int) -> list[str]:
    rows: Any = (
        Login.select(Login.hash, Login.expires_at)
        .join(Account)
        .where(Login.hash.in_(hashes), Login.expires_at > now, Account.disabled_at.is_null())
        .tuples()
    )
    good: dict[str, int] = dict(rows)
    until = now + limits.login_lifetime_ms
    _note(Login, Login.expires_at, [one for one, ends_at in good.items() if until - ends_at >= HOUR], until)
    return list(good)


def _note(table: Any, column: Any, hashes: list[str], value: int) -> None:
    if hashes:
        with db.writing():
            table.update({column: value}).where(table.hash.in_(hashes)).execute()
