"""The names of Slack's users, from what passes by: its events carry ids only, and we ask Slack nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .messages import Received

_LIMIT = 10_000


class SlackNames:
    """Remembers as many as a workspace has; beyond that it begins anew."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, user: Any) -> None:
        """From an interaction's user or the answer of `users.info`."""
        if not isinstance(user, Mapping) or not user.get("id"):
            return
        profile = user.get("profile") or {}
        name = (
            profile.get("display_name") or user.get("real_name") or user.get("username") or user.get("name")
        )
        self._remember(user["id"], name)

    def named(self, message: Received) -> Received:
        self._remember(message.user_id, message.user_name)
        return replace(message, user_name=self.of(message.user_id))

    def of(self, user_id: str | None) -> str | None:
        return self._names.get(user_id) if user_id else None

    def _remember(self, user_id: str | None, name: str | None) -> None:
        if user_id and name:
            if len(self._names) >= _LIMIT:
                self._names.clear()
            self._names[user_id] = name
