"""Counts kept ready: written with the messages or soon after them, never instead of them."""

from .apply import Counted, apply
from .keeping_up import (
    catch_up,
    catch_up_and_hold,
    catch_up_for_reader,
    counts_itself,
    do_users_wait,
    help_out,
    keep_up,
    leaves_users,
)
from .rebuild import rebuild

__all__ = [
    "Counted",
    "apply",
    "catch_up",
    "catch_up_and_hold",
    "catch_up_for_reader",
    "counts_itself",
    "do_users_wait",
    "help_out",
    "keep_up",
    "leaves_users",
    "rebuild",
]
