"""Limnoria: the plugin `Botwatch`, which Limnoria finds by its entry point. Watches all networks of the bot.

A message in passes `inFilter` and keeps its turn as a tag; an answer, which passes `outFilter` when its time
in the queue is over, names by Limnoria's own tag the message that it answers: so threads and queues don't
matter. Echoes of the bot's messages, the server's or Limnoria's own, pass `inFilter` too and are not counted.
"""

from __future__ import annotations

import logging
from typing import Any

from supybot import callbacks, conf

from botwatch import _agent

from . import irc_lines
from .configured_start import start_as_configured
from .guard import unharmed
from .logged_errors import LoggedErrors
from .messages import record_received, record_sent

_TURN = "botwatchTurn"


class Botwatch(callbacks.Plugin):  # type: ignore[misc]  # Limnoria is not there when types are checked
    """Sends what this bot does to a botwatch collector: BOTWATCH_URL and BOTWATCH_TOKEN say where."""

    def __init__(self, irc: Any) -> None:
        super().__init__(irc)
        start_as_configured()
        self._errors = LoggedErrors(_agent)
        logging.getLogger("supybot").addHandler(self._errors)

    def die(self) -> None:
        logging.getLogger("supybot").removeHandler(self._errors)
        super().die()

    def inFilter(self, irc: Any, msg: Any) -> Any:  # noqa: N802  (the framework's name)
        with unharmed("a message"):
            if msg.command == "PRIVMSG" and not _is_echo(irc, msg):
                _agent.update_seen()
                # Only a server's clock tells since when the user waits.
                sent_at = msg.time if "time" in msg.server_tags else None
                target, text = msg.args
                message = irc_lines.received(msg.nick, target, text, sent_at)
                if message:
                    msg.tag(_TURN, record_received(_agent, message))
        return msg

    def outFilter(self, irc: Any, msg: Any) -> Any:  # noqa: N802
        with unharmed("a message of the bot"):
            message = irc_lines.sent(*msg.args) if msg.command in irc_lines.SAYING else None
            if message:
                asked = msg.tagged("inReplyTo")
                record_sent(_agent, message, asked.tagged(_TURN) if asked else None)
        return msg


def _is_echo(irc: Any, msg: Any) -> bool:
    return bool(msg.tagged("emulatedEcho")) or "label" in msg.server_tags or msg.nick == irc.nick


Class = Botwatch
conf.registerPlugin("Botwatch")


def configure(advanced: bool) -> None:
    conf.registerPlugin("Botwatch", True)
