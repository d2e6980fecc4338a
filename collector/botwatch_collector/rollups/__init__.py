"""Counts kept ready: written with the messages, never instead of them."""

from .apply import Counted, apply
from .rebuild import rebuild

__all__ = ["Counted", "apply", "rebuild"]
