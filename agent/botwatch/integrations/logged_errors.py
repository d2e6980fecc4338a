"""Tells the agent of handlers' errors where a framework catches them all and only logs them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .guard import unharmed
from .turns import current_turn

if TYPE_CHECKING:
    from botwatch import Agent


class LoggedErrors(logging.Handler):
    """A log handler for the framework's logger: an exception that is logged as an error has been caught."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(logging.ERROR)
        self._agent = agent

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            with unharmed("an error"):
                turn = current_turn()
                self._agent.handler_failed(error, user_id=turn and turn.user_id)
