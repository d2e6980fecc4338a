"""The streamer's process: what runs in it beside the loop, and how it ends."""

import gc
import logging
import resource
import sys
import threading
import time
from collections.abc import Callable

from .. import clock, db
from ..access import still_good
from ..config import Config
from ..lifecycle import stopping
from ..metrics import Worker
from ..stream import Tailer
from .door import Door
from .loop import Caps, Loop
from .notices import listen

_log = logging.getLogger(__name__)

_CHECK_S = 3.0
# A commit is told to readers a moment later than it might be, and several that come together at once.
_REST_S = 0.002
_SPARE_HANDLES = 200
_CONNECTIONS = 8


def run(config: Config, door: Door) -> None:
    """Serve streams until `lifecycle.stopping` is set."""
    db.connect(config.database, connections=_CONNECTIONS)
    caps = Caps(min(config.max_streams, _handles() - _SPARE_HANDLES), config.max_streams_per_reader)
    loop = Loop(door, caps, lambda wake: Tailer(rest_s=_REST_S, on_change=wake))
    counting = Worker(
        {
            "botwatch_stream_readers": lambda: loop.readers,
            "botwatch_stream_slow_readers": lambda: loop.slow_readers,
        }
    )
    counting.start()
    listen(config.database, loop.notice)
    _in_background(lambda: _check_credentials(loop, config))
    _in_background(lambda: _wake_at_the_end(loop))
    # What exists by now stays: neither looked at by the collector of garbage nor copied from the parent.
    gc.freeze()
    while not stopping.is_set():
        loop.turn()
    loop.close()
    counting.stop()


def _in_background(call: Callable[[], object]) -> None:
    threading.Thread(target=call, daemon=True).start()


def _wake_at_the_end(loop: Loop) -> None:
    stopping.wait()
    loop.wake()


def _handles() -> int:
    """Raise the limit of open files as far as it goes, and say how far that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


def _check_credentials(loop: Loop, config: Config) -> None:
    """Every few seconds, end the streams of revoked tokens and ended logins."""
    while True:
        time.sleep(_CHECK_S)
        asked = loop.credentials
        try:
            with db.connected():
                lost = asked - still_good(asked, config.limits, clock.now())
        except Exception:
            _log.warning("who may still read can't be checked at present", exc_info=True)
            continue
        if lost:
            loop.post(loop.end_those_of, lost)
