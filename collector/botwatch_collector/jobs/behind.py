"""What commits leave to be done soon, by threads beside the jobs: on any number of hosts at once."""

import logging
import threading
from collections.abc import Callable

from .. import damage, db, message_index, rollups

# On SQLite it is done for each user, however much they wrote in between.
_LOOK_S, _LOOK_ON_SQLITE_S, _RETRY_S = 0.5, 2.0, 5.0

_log = logging.getLogger(__name__)


def start(stopping: threading.Event) -> list[threading.Thread]:
    """One for each of these things, so that none waits for another; they end when told to stop."""
    threads = [
        threading.Thread(target=_keep_up, args=(work, stopping), name=f"botwatch-{name}")
        for name, work in (("counting", rollups.keep_up), ("indexing", message_index.take_pending))
    ]
    for thread in threads:
        thread.start()
    return threads


def _keep_up(work: Callable[[], None], stopping: threading.Event) -> None:
    is_healthy, look_s = True, _LOOK_S if db.is_postgresql() else _LOOK_ON_SQLITE_S
    while not stopping.is_set():
        try:
            with db.connected():
                work()
            is_healthy = True
        except Exception as error:
            damage.note(error)
            if is_healthy:
                _log.exception("what commits have left can't be done; trying again until it can")
            is_healthy = False
        stopping.wait(look_s if is_healthy else _RETRY_S)
