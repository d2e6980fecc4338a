"""Who is there: what bots say of their users, what the timeouts make of it, and who may see it."""

from .people import PresenceInfo, UsersOnline, counts, hidden_users, online, person
from .settings import PresenceSettings, set_shown, settings
from .standing import Status, Update
from .timing import time_out
from .update import FRAMES, apply

__all__ = [
    "FRAMES",
    "PresenceInfo",
    "PresenceSettings",
    "Status",
    "Update",
    "UsersOnline",
    "apply",
    "counts",
    "hidden_users",
    "online",
    "person",
    "set_shown",
    "settings",
    "time_out",
]
