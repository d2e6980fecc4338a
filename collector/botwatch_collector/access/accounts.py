"""Accounts of the people who use the pages."""

import re
from collections.abc import Sequence

import peewee

from .. import db
from ..errors import Conflict, InvalidParameter, NotFound
from ..models import Account, Login
from . import passwords

ROLES = ("viewer", "operator", "admin")
"""Each may do what those before it may."""

_USERNAME = re.compile(r"[a-z0-9][a-z0-9_.@+-]{0,63}", re.ASCII)


def normal(username: str) -> str:
    """The form in which usernames are stored and compared: "Alice" and "alice" are one person."""
    return username.strip().lower()


def add(username: str, password: str, role: str, now: int) -> Account:
    """A new account. Raises Conflict when the name is taken, InvalidParameter for what can't be used."""
    name = normal(username)
    if not _USERNAME.fullmatch(name):
        raise InvalidParameter(
            "a username has 1 to 64 letters, digits and '_.@+-', and starts with a letter or digit; "
            f"got {username!r}"
        )
    if role not in ROLES:
        raise InvalidParameter(f"role: expected one of {', '.join(ROLES)}, got {role!r}")
    password_hash = passwords.hashed(password)
    try:
        with db.writing():
            return Account.create(username=name, password_hash=password_hash, role=role, created_at=now)
    except peewee.IntegrityError:
        raise Conflict(f"there is an account {name!r} already") from None


def exists(username: str) -> bool:
    """Whether there is such an account, disabled or not."""
    return _find(username) is not None


def named(username: str) -> Account:
    """The account of that name, or NotFound."""
    account = _find(username)
    if account is None:
        raise NotFound(f"no account {username!r}")
    return account


def listed() -> Sequence[Account]:
    """All accounts by name."""
    return list(Account.select().order_by(Account.username))


def verified(username: str, password: str) -> Account | None:
    """The account, when the password is right and it isn't disabled; otherwise None after the same time."""
    account = _find(username)
    known = account if account and account.disabled_at is None else None
    if not passwords.is_right(known.password_hash if known else None, password):
        return None
    assert known is not None
    if passwords.is_outdated(known.password_hash):
        _renew_hash(known, password)
    return known


def change_password(account: Account, password: str) -> None:
    """Set another password, which ends all logins of the account."""
    password_hash = passwords.hashed(password)
    with db.writing():
        Account.update(password_hash=password_hash).where(Account.id == account.id).execute()
        _end_logins(account)


def change_role(account: Account, role: str) -> None:
    """Takes effect at once. Raises Conflict for the last admin, InvalidParameter for an unknown role."""
    if role not in ROLES:
        raise InvalidParameter(f"role: expected one of {', '.join(ROLES)}, got {role!r}", at="role")
    with db.writing():
        if role != "admin":
            _keep_an_admin(account)
        Account.update(role=role).where(Account.id == account.id).execute()


def choose_zone(account: Account, zone: str | None) -> None:
    """Tell this person's times in a zone, whatever the browser says; None is the browser's. The caller knows
    that there is such a zone.
    """
    with db.writing():
        Account.update(time_zone=zone).where(Account.id == account.id).execute()


def disable(account: Account, now: int) -> None:
    """Nobody gets in with this account any more, and who is in is put out. Raises Conflict for the last
    admin.
    """
    with db.writing():
        _keep_an_admin(account)
        Account.update(disabled_at=now).where(Account.id == account.id).execute()
        _end_logins(account)


def enable(account: Account) -> None:
    """Undo `disable`."""
    with db.writing():
        Account.update(disabled_at=None).where(Account.id == account.id).execute()


def may(account: Account, role: str) -> bool:
    """Whether the account has this role or a higher one."""
    return ROLES.index(account.role) >= ROLES.index(role)


def _find(username: str) -> Account | None:
    name = normal(username)
    # PostgreSQL refuses to compare with some strings, such as those with a NUL.
    return Account.get_or_none(Account.username == name) if _USERNAME.fullmatch(name) else None


def _renew_hash(account: Account, password: str) -> None:
    try:
        password_hash = passwords.hashed(password)
    except InvalidParameter:
        return
    with db.writing():
        # Not over a password that was changed meanwhile.
        is_same = Account.password_hash == account.password_hash
        Account.update(password_hash=password_hash).where((Account.id == account.id) & is_same).execute()


def _keep_an_admin(but: Account) -> None:
    """Raises Conflict when there is no other. Two who demote each other at once do it one after the other: on
    SQLite all writing does, on PostgreSQL the second waits for these rows.
    """
    admins = Account.select(Account.id).where(Account.role == "admin", Account.disabled_at.is_null())
    found = admins.for_update() if db.is_postgresql() else admins
    if [one.id for one in found] == [but.id]:
        raise Conflict("this is the last admin: make another account one first")


def _end_logins(account: Account) -> None:
    Login.delete().where(Login.account == account).execute()
