"""The plugin: sees what users say in a command filter or callback, the bot's words in `callback_botmessage`.

A command runs in a pool's thread, and no callback tells which: so the plugin takes part in this bot's
`_execute_and_send` until it is deactivated.
"""

from __future__ import annotations

import logging
from typing import Any

from errbot import BotPlugin, cmdfilter

from botwatch import _agent
from botwatch.integrations.configured_start import start_as_configured
from botwatch.integrations.guard import unharmed
from botwatch.integrations.logged_errors import LoggedErrors
from botwatch.integrations.messages import Received, Sent, record_received, record_sent
from botwatch.integrations.turns import current_turn, in_turn

_TURN = "botwatch_turn"


class Botwatch(BotPlugin):  # type: ignore[misc]  # errbot is not there when types are checked
    """Sends what this bot does to a botwatch collector."""

    def activate(self) -> None:
        super().activate()
        start_as_configured()
        self._errors = LoggedErrors(_agent)
        logging.getLogger("errbot").addHandler(self._errors)
        self._execute = self._bot._execute_and_send
        self._bot._execute_and_send = self._execute_in_turn

    def deactivate(self) -> None:
        self._bot._execute_and_send = self._execute
        logging.getLogger("errbot").removeHandler(self._errors)
        super().deactivate()

    @cmdfilter  # type: ignore[untyped-decorator]
    def before_command(self, msg: Any, cmd: Any, args: Any, dry_run: bool) -> tuple[Any, Any, Any]:
        """Commands are executed before `callback_message`."""
        if not dry_run:
            self.callback_message(msg)
        return msg, cmd, args

    def callback_message(self, msg: Any) -> None:
        with unharmed("a message"):
            if _TURN not in msg.extras:
                _agent.update_seen()
                msg.extras[_TURN] = record_received(_agent, _received(msg))

    def callback_botmessage(self, msg: Any) -> None:
        with unharmed("a message of the bot"):
            record_sent(_agent, _sent(msg), current_turn())

    def _execute_in_turn(self, *args: Any, **kwargs: Any) -> Any:
        turn = None
        with unharmed("a command"):
            turn = kwargs["msg"].extras.get(_TURN)
        with in_turn(turn), _agent.handling(turn and turn.user_id):
            return self._execute(*args, **kwargs)


def _received(msg: Any) -> Received:
    room = str(msg.to) if msg.is_group else None
    person = str(msg.frm.person)
    return Received(msg.body, person, _name(msg.frm), room or person, room, sent_at=None)


def _sent(msg: Any) -> Sent:
    if msg.is_group:
        return Sent(msg.body, str(msg.to), str(msg.to))
    # What a backend prints at its start goes to nobody.
    person = str(msg.to.person) if msg.to else None
    return Sent(msg.body, person, user_name=msg.to and _name(msg.to), is_private=bool(person))


def _name(person: Any) -> str:
    return str(getattr(person, "nick", None) or person.person)
