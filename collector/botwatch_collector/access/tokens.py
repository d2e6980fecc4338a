"""Tokens of programs: made, recognised, rotated and revoked. Only their hashes are kept.

A token is `bw_i_` (ingest), `bw_r_` (read) or `bw_p_` (ping), 32 random characters, and a checksum of 6.
SHA-256 is enough: the random part has 190 bits, so that there is nothing to guess, and a slow hash would cost
every request.
"""

import re
import secrets
import string
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import peewee

from .. import db
from ..clock import MINUTE
from ..errors import InvalidParameter, NotFound, Unauthorized
from ..models import Bot, Token
from .credentials import hashed

PREFIXES = {"ingest": "bw_i_", "read": "bw_r_", "ping": "bw_p_"}
PERIOD_S, GRACE_S = 24 * 3_600, 3_600

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 32
_CHECKSUM_CHARACTERS = 6
_FORM = re.compile(r"bw_[irp]_[0-9A-Za-z]{38}", re.ASCII)


def make(scope: str) -> str:
    """A new secret; nothing is stored."""
    body = PREFIXES[scope] + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_CHARACTERS))
    return body + checksum(body)


def checksum(body: str) -> str:
    """The last 6 characters of a token: CRC-32 of all before them, base 62, highest digit first."""
    rest, digits = zlib.crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits.rjust(_CHECKSUM_CHARACTERS, "0")


def is_well_formed(secret: str) -> bool:
    """False for what can't be a token, such as one cut short when it was copied; asks no database."""
    if not _FORM.fullmatch(secret):
        return False
    return checksum(secret[:-_CHECKSUM_CHARACTERS]) == secret[-_CHECKSUM_CHARACTERS:]


def add(
    scope: str,
    now: int,
    *,
    bot: Bot | None = None,
    name: str = "",
    period_s: int = PERIOD_S,
    grace_s: int = GRACE_S,
) -> tuple[Token, str]:
    """A new token and its secret, which can't be read again. A read token without a bot reads all bots.

    The key of a job expects a ping every `period_s`, and is patient for `grace_s` more.
    """
    if scope not in PREFIXES:
        raise InvalidParameter(f"scope: expected one of {', '.join(PREFIXES)}, got {scope!r}")
    if scope != "read" and bot is None:
        raise InvalidParameter(f"a token of scope {scope} belongs to a bot: name one")
    if bot is not None and bot.retired_at is not None:
        raise InvalidParameter(f"bot {bot.name!r} is retired: bring it back first", at="bot")
    times = {"period_s": period_s, "grace_s": grace_s} if scope == "ping" else {}
    with db.writing():
        return _store(scope, bot, name, now, times)


def find(secret: str, now: int) -> Token:
    """The token of a secret, with its bot; raises Unauthorized when malformed, unknown or revoked."""
    if not is_well_formed(secret):
        raise Unauthorized("this is no token: it is mistyped or cut short")
    row = db.database.execute_sql(_by_hash(db.dialect()), (hashed(secret),)).fetchone()
    if row is None:
        raise Unauthorized("the token is unknown")
    token = _with_its_bot(row)
    if token.revoked_at is not None:
        raise Unauthorized("the token was revoked")
    _touch(token, now)
    return token


def rotate(token: Token, now: int) -> tuple[Token, str]:
    """A new token in place of this one, which ends at once."""
    with db.writing():
        if not _end(token, now):
            raise InvalidParameter(f"token {token.id} is revoked already")
        times = {"period_s": token.period_s, "grace_s": token.grace_s}
        return _store(token.scope, token.bot, token.name, now, times)


def revoke(token: Token, now: int) -> bool:
    """End a token at once; False when it was revoked before."""
    with db.writing():
        return _end(token, now)


def listed() -> Sequence[Token]:
    """All tokens with their bots, oldest first."""
    return list(_with_bots().order_by(Token.id))


def named(reference: str) -> Token:
    """The token with this id or hint (its last 4 characters); raises NotFound when none or several fit."""
    is_it = Token.hint == reference
    if reference.isascii() and reference.isdigit() and len(reference) < 19:
        is_it |= Token.id == int(reference)
    found = list(_with_bots().where(is_it).order_by(Token.id))
    if not found:
        raise NotFound(f"no token {reference!r}")
    if len(found) > 1:
        ids = ", ".join(str(token.id) for token in found)
        raise NotFound(f"{reference!r} fits the tokens {ids}: give the id")
    token: Token = found[0]
    return token


def _store(
    scope: str, bot: Bot | None, name: str, now: int, times: Mapping[str, int | None]
) -> tuple[Token, str]:
    secret = make(scope)
    token = Token.create(
        scope=scope, bot=bot, name=name, hint=secret[-4:], hash=hashed(secret), created_at=now, **times
    )
    return token, secret


def _end(token: Token, now: int) -> bool:
    changed = Token.update(revoked_at=now).where(Token.id == token.id, Token.revoked_at.is_null()).execute()
    return bool(changed)


def _touch(token: Token, now: int) -> None:
    """About one write a minute, whatever the traffic. No request waits for it, or fails by it.

    A time ahead was written under a clock that has been set back since.
    """
    if token.last_used_at is not None and abs(now - token.last_used_at) < MINUTE:
        return
    used_at = Token.last_used_at
    is_due = used_at.is_null() | (used_at <= now - MINUTE) | (used_at >= now + MINUTE)
    db.write_if_free(Token.update(last_used_at=now).where((Token.id == token.id) & is_due))


@lru_cache
def _by_hash(dialect: str) -> str:
    """Kept, since every request asks this, and to write it takes ten times as long as to answer it."""
    return str(_with_bots().where(Token.hash == "").sql()[0])


def _with_its_bot(row: tuple[Any, ...]) -> Token:
    names, bots_names = (table._meta.sorted_field_names for table in (Token, Bot))
    token = dict(zip(names, row, strict=False))
    if token["bot"] is not None:
        token["bot"] = Bot(**dict(zip(bots_names, row[len(names) :], strict=True)))
    return Token(**token)


def _with_bots() -> Any:
    return Token.select(Token, Bot).join(Bot, peewee.JOIN.LEFT_OUTER)
