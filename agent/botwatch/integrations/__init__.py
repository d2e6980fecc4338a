"""Attaches an agent to a bot framework by that framework's own extension points, importing none itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botwatch import Agent

# Package of the target's class -> our module for it, and what to attach.
_FRAMEWORKS = {
    "telegram": ("python_telegram_bot", "telegram.ext.Application"),
    "aiogram": ("aiogram", "aiogram.Dispatcher"),
    "discord": ("discord_py", "discord.Client"),
    "slack_bolt": ("slack_bolt", "slack_bolt.App"),
    "nio": ("matrix_nio", "nio.AsyncClient"),
    "botbuilder": ("botbuilder", "botbuilder.core.BotAdapter"),
    "flask": ("flask_webhook", "flask.Flask"),
    "requests": ("requests_session", "requests.Session"),
}


def attach(target: Any, agent: Agent, **options: Any) -> Any:
    """Watch `target`, a framework's application object; `options` are those of the integration.

    TypeError for a target of no supported framework, and for options it does not take.
    """
    for ancestor in type(target).__mro__:
        package = ancestor.__module__.partition(".")[0]
        if package in _FRAMEWORKS:
            module = import_module(f"{__name__}.{_FRAMEWORKS[package][0]}")
            return module.attach(target, agent, **options)
    supported = ", ".join(what for _, what in _FRAMEWORKS.values())
    raise TypeError(f"botwatch can attach to {supported}, not to {type(target).__qualname__!r}")
