"""sopel: a plugin. Installed with the agent, sopel finds it by its entry point and enables it as `botwatch`.

Sopel runs each handler in a thread of its own, tells no plugin which line that answers, and hands over the
bot's own messages (its echo) only when the server has sent them back. So the plugin takes part in two of this
bot's callbacks, `call_rule` and `on_message_sent`, until it is unloaded.
"""

from __future__ import annotations

import logging
from typing import Any
from weakref import WeakKeyDictionary

from sopel import plugin
from sopel.config.types import StaticSection, ValidatedAttribute

from botwatch import Agent, _agent

from . import irc_lines
from .configured_start import start_as_configured
from .guard import unharmed
from .logged_errors import LoggedErrors
from .messages import record_received, record_sent
from .turns import Turn, current_turn, in_turn

_KEPT = "botwatch"


class BotwatchSection(StaticSection):  # type: ignore[misc]  # sopel is not there when types are checked
    """The plugin's part of the bot's configuration file; what is missing comes from the environment."""

    url = ValidatedAttribute("url")
    token = ValidatedAttribute("token")
    bot = ValidatedAttribute("bot")


def setup(bot: Any) -> None:
    bot.settings.define_section("botwatch", BotwatchSection)
    section = bot.settings.botwatch
    start_as_configured(section.url, section.token, section.bot)
    bot.memory[_KEPT] = SopelWatch(bot, _agent)


def shutdown(bot: Any) -> None:
    bot.memory.pop(_KEPT).end()


@plugin.event("PRIVMSG")  # type: ignore[untyped-decorator]
@plugin.rule(".*")  # type: ignore[untyped-decorator]
@plugin.priority("high")  # type: ignore[untyped-decorator]
@plugin.thread(False)  # type: ignore[untyped-decorator]
def said(bot: Any, trigger: Any) -> None:
    bot.memory[_KEPT].received(trigger)


class SopelWatch:
    """One bot."""

    def __init__(self, bot: Any, agent: Agent) -> None:
        self._agent = agent
        self._turns: WeakKeyDictionary[Any, Turn] = WeakKeyDictionary()
        self._errors = LoggedErrors(agent)
        self._bot, self._call_rule, self._on_message_sent = bot, bot.call_rule, bot.on_message_sent
        bot.call_rule, bot.on_message_sent = self.call_rule, self.on_message_sent
        logging.getLogger("sopel").addHandler(self._errors)

    def end(self) -> None:
        self._bot.call_rule, self._bot.on_message_sent = self._call_rule, self._on_message_sent
        logging.getLogger("sopel").removeHandler(self._errors)

    def received(self, trigger: Any) -> None:
        with unharmed("a message"):
            self._agent.update_seen()
            # Only a server's clock tells since when the user waits.
            sent_at = trigger.time.timestamp() if "time" in trigger.tags else None
            text = f"\x01{trigger.ctcp} {trigger.args[-1]}\x01" if trigger.ctcp else trigger.args[-1]
            message = irc_lines.received(str(trigger.nick), trigger.args[0], text, sent_at)
            if message:
                self._turns[trigger._pretrigger] = record_received(self._agent, message)

    def call_rule(self, rule: Any, sopel: Any, trigger: Any) -> None:
        turn = None
        with unharmed("a rule"):
            turn = self._turns.get(trigger._pretrigger)
        with in_turn(turn), self._agent.handling(turn and turn.user_id):
            self._call_rule(rule, sopel, trigger)

    def on_message_sent(self, raw: str) -> None:
        with unharmed("a message of the bot"):
            command, _, rest = raw.rstrip("\r\n").partition(" ")
            target, _, text = rest.partition(" :")
            message = irc_lines.sent(target, text) if command in irc_lines.SAYING else None
            if message:
                record_sent(self._agent, message, current_turn())
        self._on_message_sent(raw)
