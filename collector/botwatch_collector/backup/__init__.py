"""The whole database in one file, of the same form on SQLite and PostgreSQL."""

from .restore import restore
from .save import save

__all__ = ["restore", "save"]
