"""A small Matrix homeserver: the client-server API by which a bot syncs and sends."""

import asyncio
import time
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import web

from .platform_double import Person, PlatformDouble

BOT = "@bot:kitchen"
_LONGEST_POLL_S = 2.0


class Matrix(PlatformDouble):
    def __init__(self) -> None:
        super().__init__()
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._members: dict[str, dict[str, str]] = {}
        self._serials = count(1)
        self._changed = asyncio.Condition()
        api = "/_matrix/client/v3"
        self.app.add_routes(
            [
                web.get(f"{api}/sync", self._sync),
                web.put(api + "/rooms/{room}/send/{type}/{transaction}", self._send),
                web.put(api + "/rooms/{room}/typing/{user}", _nothing),
            ]
        )

    def person(self, number: int, name: str) -> Person:
        return Person(f"@{name.lower().replace(' ', '-')}{number}:kitchen", name)

    def say(
        self, person: Person, text: str, age_s: float = 0, room: str | None = None, **content: Any
    ) -> None:
        """Have a person write to the bot, alone with it or in a room where others are too."""
        self.said += 1
        room = room or f"!{person.id[1:]}"
        self.call(self._enter(room, person))
        self.tell(room, person.id, {"msgtype": "m.text", "body": text, **content}, age_s)

    def tell(self, room: str, sender: str, content: dict[str, Any], age_s: float = 0) -> None:
        self.call(self._add(room, self._event("m.room.message", sender, content, age_s)))

    async def _enter(self, room: str, person: Person) -> None:
        members = self._members.setdefault(room, {})
        for user, name in ((BOT, "Bot"), (person.id, person.name)):
            if user not in members:
                members[user] = name
                joined = self._event("m.room.member", user, {"membership": "join", "displayname": name})
                await self._add(room, {**joined, "state_key": user})

    async def _add(self, room: str, event: dict[str, Any]) -> None:
        async with self._changed:
            self._events.append((room, event))
            self._changed.notify_all()

    async def _sync(self, request: web.Request) -> web.Response:
        since, timeout_s = int(request.query.get("since", 0)), int(request.query.get("timeout", 0)) / 1000
        async with self._changed:
            news = self._changed.wait_for(lambda: len(self._events) > since)
            with suppress(TimeoutError):
                await asyncio.wait_for(news, min(timeout_s, _LONGEST_POLL_S))
            timelines: dict[str, list[dict[str, Any]]] = {}
            for room, event in self._events[since:]:
                timelines.setdefault(room, []).append(event)
            rooms = {"join": _joined(timelines)}
            return web.json_response({"next_batch": str(len(self._events)), "rooms": rooms})

    async def _send(self, request: web.Request) -> web.Response:
        content = await request.json()
        if content.get("body") == "unreachable":
            return web.json_response({"errcode": "M_FORBIDDEN", "error": "no"}, status=403)
        kind, room = request.match_info["type"], request.match_info["room"]
        if kind == "m.room.message":
            self.texts.append(content.get("m.new_content", content)["body"])
        event = self._event(kind, BOT, content)
        # The bot gets to see its own words, as everybody in the room.
        await self._add(room, event)
        return web.json_response({"event_id": event["event_id"]})

    def _event(self, kind: str, sender: str, content: dict[str, Any], age_s: float = 0) -> dict[str, Any]:
        return {
            "type": kind,
            "sender": sender,
            "event_id": f"$event{next(self._serials)}",
            "origin_server_ts": round((time.time() - age_s) * 1000),
            "content": content,
        }


def _joined(timelines: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        room: {
            "timeline": {"events": events, "limited": False, "prev_batch": "0"},
            "state": {"events": []},
            "ephemeral": {"events": []},
            "account_data": {"events": []},
        }
        for room, events in timelines.items()
    }


async def _nothing(_request: web.Request) -> web.Response:
    return web.json_response({})
