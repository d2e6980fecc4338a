"""Finds in a handler's arguments who wrote what.

Each field comes from the first of these that knows it:
1. the decorator's own argument: a value, or a callable that gets the handler's arguments;
2. the handler's parameter of that name (`user_id`, `text`, `user_name`, `channel`, `sent_at`);
3. the handler's first argument (after self), as a key or attribute at one of the places below.
A field that nobody knows is None.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

# Where messages and updates of the common platforms keep a field: keys or attributes, a dot goes one deeper.
PLACES: dict[str, tuple[str, ...]] = {
    "user_id": (
        "user_id",
        "from_user.id",
        "effective_user.id",
        "author.id",
        "sender.id",
        "user.id",
        "from.id",
        "user",
    ),
    "text": ("text", "content", "effective_message.text", "message.text", "body"),
    "user_name": (
        "user_name",
        "from_user.full_name",
        "effective_user.full_name",
        "author.name",
        "sender.name",
    ),
    "channel": ("channel",),
    "sent_at": ("sent_at", "date", "created_at"),
}
SCALARS = (str, int, float, datetime)

Fields = dict[str, Any]
FieldReader = Callable[[tuple[Any, ...], dict[str, Any]], Fields]


def field_reader(handler: Callable[..., Any], options: Mapping[str, object]) -> FieldReader:
    """Never raises when called: what a callable of the bot or an odd object raises makes the field None."""
    names = parameter_names(handler)
    first = 1 if names[:1] in (["self"], ["cls"]) else 0
    positions = {name: position for position, name in enumerate(names)}

    def find(field: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        option = options.get(field)
        if option is not None:
            return option(*args, **kwargs) if callable(option) else option
        if field in positions:
            position = positions[field]
            return kwargs[field] if field in kwargs else args[position] if position < len(args) else None
        message = args[first] if len(args) > first else next(iter(kwargs.values()), None)
        return look_up(message, PLACES[field]) if field in PLACES else None

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Fields:
        return {field: attempt(find, field, args, kwargs) for field in (*PLACES, "attributes")}

    return read


def parameter_names(handler: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(handler).parameters)
    except (TypeError, ValueError):
        return []


def attempt(find: Callable[..., object], *arguments: Any) -> object:
    try:
        return find(*arguments)
    except Exception:
        return None


def look_up(message: object, places: tuple[str, ...]) -> object:
    for place in places:
        found = message
        for step in place.split("."):
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
        if isinstance(found, SCALARS) and not isinstance(found, bool):
            return found
    return None
