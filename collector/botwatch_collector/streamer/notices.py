"""Hears of commits on other hosts: PostgreSQL passes on what a writer announces with its transaction."""

import logging
import threading
import time
from collections.abc import Callable

from .. import db

_log = logging.getLogger(__name__)

_RETRY_S = 5.0


def listen(url: str, heard: Callable[[], None]) -> None:
    """Call `heard` in a thread of its own for every announcement; does nothing on SQLite.

    Where announcements don't come through (a proxy that pools transactions), the tailer's own look now and
    then is what remains.
    """
    if db.is_postgresql():
        threading.Thread(target=_run, args=(url, heard), name="botwatch-notices", daemon=True).start()


def _run(url: str, heard: Callable[[], None]) -> None:
    import psycopg

    while True:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"LISTEN {db.COMMITTED}")
                for _ in connection.notifies():
                    heard()
        except psycopg.Error as error:
            _log.info("no announcements of other hosts' commits at present: %s", error)
        time.sleep(_RETRY_S)
