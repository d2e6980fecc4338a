"""Who may come in and what they may see: tokens for programs, accounts and logins for people."""

from .cookie_key import secret_key
from .credentials import Credential, still_good
from .reader import Reader

__all__ = ["Credential", "Reader", "secret_key", "still_good"]
