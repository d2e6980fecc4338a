"""Hashes passwords with argon2id, and checks them in the same time whether or not the account exists."""

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..errors import InvalidParameter

SHORTEST = 10
LONGEST = 1024

# argon2-cffi's defaults are RFC 9106's second recommendation: 64 MiB, 3 passes.
_hasher = PasswordHasher()

# A flood of logins then takes 128 MiB of a worker, and not 64 MiB for each of its threads.
_at_once = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The hash to store; raises InvalidParameter when the password is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidParameter(f"a password has {SHORTEST} to {LONGEST} characters, this one {len(password)}")
    with _at_once:
        return _hasher.hash(_normal(password))


def is_right(stored: str | None, password: str) -> bool:
    """Whether the password has this hash; None stands for an account that doesn't exist and takes as long."""
    if len(password) > LONGEST:
        return False
    with _at_once:
        try:
            _hasher.verify(stored or _nobodys_hash(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    # Keyboards differ in how they compose accented letters.
    return unicodedata.normalize("NFKC", password)
