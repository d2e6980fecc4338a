"""Attaches an agent to a bot framework by that framework's own extension points, importing none itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botwatch import Agent

# Package of the target's class, or of a module -> our module for it, and what to attach.
_FRAMEWORKS = {
    "telegram": ("python_telegram_bot", "telegram.ext.Application"),
    "aiogram": ("aiogram", "aiogram.Dispatcher"),
    "discord": ("discord_py", "discord.Client"),
    "slack_bolt": ("slack_bolt", "slack_bolt.App"),
    "nio": ("matrix_nio", "nio.AsyncClient"),
    "botbuilder": ("botbuilder", "botbuilder.core.BotAdapter"),
    "chainlit": ("chainlit", "the module chainlit"),
    "flask": ("flask_webhook", "flask.Flask"),
    "fastapi": ("asgi", "fastapi.FastAPI"),
    "starlette": ("asgi", "starlette.applications.Starlette"),
    "requests": ("requests_session", "requests.Session"),
}


def attach(target: Any, agent: Agent, **options: Any) -> Any:
    """Watch `target`, a framework's application object; `options` are those of the integration.

    Any other ASGI or WSGI app comes back wrapped: serve what is returned.
    TypeError for a target of no supported framework, and for options it does not take.
    """
    for package in _packages(target):
        if package in _FRAMEWORKS:
            module = import_module(f"{__name__}.{_FRAMEWORKS[package][0]}")
            return module.attach(target, agent, **options)
    module_name = _web_interface(target)
    if module_name:
        return import_module(f"{__name__}.{module_name}").attach(target, agent, **options)
    supported = ", ".join(what for _, what in _FRAMEWORKS.values()) + ", any ASGI or WSGI app"
    raise TypeError(f"botwatch can attach to {supported}, not to {type(target).__qualname__!r}")


def _web_interface(target: Any) -> str | None:
    """The module for an app without a framework: asynchronous with three arguments, or called with two."""
    if not callable(target) or isinstance(target, type):
        return None
    from botwatch.arguments import parameter_names
    from botwatch.handlers import is_coroutine_function

    count = len(parameter_names(target))
    if is_coroutine_function(target):
        return "asgi" if count == 3 else None
    return "wsgi" if count == 2 else None


def _packages(target: Any) -> Iterator[str]:
    """Of a module itself, for some frameworks' applications are modules, or of a class and its ancestors."""
    is_module = isinstance(target, ModuleType)
    names = [target.__name__] if is_module else [one.__module__ for one in type(target).__mro__]
    return (name.partition(".")[0] for name in names)
