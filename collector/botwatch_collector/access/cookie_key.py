"""The key that signs cookies: one for all workers and hosts, made once and kept in the database."""

import secrets

from .. import db
from ..models import Setting

_NAME = "secret_key"


def secret_key() -> str:
    """The key; whoever asks first makes it, and all who ask at the same time get the same one."""
    if not (kept := _kept()):
        with db.writing():
            Setting.insert(name=_NAME, value=secrets.token_hex(32)).on_conflict_ignore().execute()
        kept = _kept()
    assert kept is not None
    return kept


def _kept() -> str | None:
    setting = Setting.get_or_none(Setting.name == _NAME)
    return str(setting.value) if setting else None
