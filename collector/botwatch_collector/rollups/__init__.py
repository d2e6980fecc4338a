"""Counts kept ready: written with the messages or soon after them, never instead of them."""

from .apply import Counted, apply
from .keeping_up import catch_up, catch_up_for_reader, counts_itself, help_out, keep_up
from .rebuild import rebuild

__all__ = [
    "Counted",
    "apply",
    "catch_up",
    "catch_up_for_reader",
    "counts_itself",
    "help_out",
    "keep_up",
    "rebuild",
]
