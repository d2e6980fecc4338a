"""Starts the agent for a plugin: a bot that is configured by files has no line of its own to do so."""

from __future__ import annotations

from botwatch import _agent
from botwatch.config import knows_collector


def start_as_configured(url: str | None = None, token: str | None = None, bot: str | None = None) -> None:
    """Unless the bot's own code has done so, or nothing says where the collector is.

    Raises ConfigurationError for a wrong setting, which the framework logs as the plugin's.
    """
    if _agent.stats()["state"] == "not started" and knows_collector(url):
        _agent.start(url, token, bot)
