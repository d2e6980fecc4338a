"""Who changed what by these pages: one line each in the collector's log."""

import logging

from flask import request

from .. import guard

_log = logging.getLogger(__name__)


def note(change: str) -> None:
    """Call it when the change is done. It names nothing that is secret."""
    account = guard.reader().account
    _log.info("%s from %s: %s", account.username if account else "?", request.remote_addr, change)
