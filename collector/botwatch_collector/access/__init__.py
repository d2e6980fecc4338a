"""Who may come in and what they may see: tokens for programs, accounts and logins for people."""

from .cookie_key import secret_key
from .reader import Reader

__all__ = ["Reader", "secret_key"]
