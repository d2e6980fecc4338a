"""A small Bot Framework channel: it posts activities to the bot and is the connector for its answers."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from .platform_double import Person, PlatformDouble


class BotFramework(PlatformDouble):
    calls_bot = True

    def __init__(self) -> None:
        super().__init__()
        self._serials = count(1)
        self._posts: set[asyncio.Task[Any]] = set()
        conversation = "/v3/conversations/{conversation}/activities"
        self.app.add_routes(
            [
                web.post("/bot", self._hello),
                web.post(conversation, self._take),
                web.post(conversation + "/{activity}", self._take),
                web.put(conversation + "/{activity}", self._take),
            ]
        )

    def say(self, person: Person, text: str, age_s: float = 0, **more: Any) -> None:
        """Have a person write; the channel does not wait for the bot, which may answer within the request."""
        self.said += 1
        activity = self.activity(person, text, age_s, **more)
        self.call(self._start(activity))

    def ask(self, person: Person, text: str, **more: Any) -> dict[str, Any]:
        """The same, waiting for the response of the bot's endpoint."""
        self.said += 1
        answer: dict[str, Any] = self.call(self._post(self.activity(person, text, **more)))
        return answer

    def activity(self, person: Person, text: str, age_s: float = 0, **more: Any) -> dict[str, Any]:
        return {
            "type": "message",
            "id": str(next(self._serials)),
            "timestamp": (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(),
            "serviceUrl": self.url,
            "channelId": "kitchen",
            "from": {"id": person.id, "name": person.name},
            "recipient": {"id": "bot", "name": "Bot"},
            "conversation": {"id": f"with-{person.id}"},
            "text": text,
            **more,
        }

    async def _start(self, activity: dict[str, Any]) -> None:
        task = asyncio.create_task(self._post(activity))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, activity: dict[str, Any]) -> Any:
        async with aiohttp.ClientSession() as session, session.post(self.bot_url, json=activity) as answer:
            return await answer.json() if answer.content_type == "application/json" else None

    async def _take(self, request: web.Request) -> web.Response:
        activity = await request.json()
        if activity.get("text") == "unreachable":
            return web.json_response({"error": {"code": "Forbidden", "message": "no"}}, status=403)
        if activity["type"] == "message":
            self.texts.append(activity["text"])
        return web.json_response({"id": f"sent{next(self._serials)}"})
