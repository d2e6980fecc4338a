"""A small Discord: a gateway over a WebSocket and the REST calls by which a bot answers."""

import asyncio
import json
import time
from itertools import count
from typing import Any

from aiohttp import web

from .platform_double import Person, PlatformDouble

GUILD, CHANNEL = "500", "600"
BOT = {"id": "42", "username": "bot", "discriminator": "0000", "avatar": None, "bot": True}
_EPOCH_MS = 1_420_070_400_000


class Discord(PlatformDouble):
    def __init__(self) -> None:
        super().__init__()
        self.callbacks: list[int] = []
        self._gateways: list[web.WebSocketResponse] = []
        self._ready = asyncio.Event()
        self._serials = count(1)
        self._sequence = count(2)
        self._messages: dict[str, dict[str, Any]] = {}
        self._dms: dict[str, Person] = {}
        self.app.add_routes(
            [
                web.get("/gateway", self._gateway),
                web.get("/api/users/@me", _always(BOT)),
                web.get("/api/oauth2/applications/@me", _always(APPLICATION)),
                web.post("/api/users/@me/channels", self._open_dm),
                web.post("/api/channels/{channel}/messages", self._post),
                web.patch("/api/channels/{channel}/messages/{message}", self._patch),
                web.post("/api/channels/{channel}/typing", _always(None, 204)),
                web.post("/api/interactions/{id}/{token}/callback", self._callback),
                web.post("/api/webhooks/42/{token}", self._follow_up),
                web.patch("/api/webhooks/42/{token}/messages/@original", self._edit_original),
            ]
        )

    def say(self, person: Person, text: str, age_s: float = 0, **more: Any) -> None:
        self.said += 1
        self.dispatch("MESSAGE_CREATE", self._written(more.pop("author", user(person)), text, age_s, **more))

    def use(self, person: Person, command: str, *values: str, age_s: float = 0, **more: Any) -> None:
        """Have a person use a slash command with values for its options."""
        options = [
            {"name": f"option{number}", "type": 3, "value": value} for number, value in enumerate(values)
        ]
        data = {"id": "1", "name": command, "type": 1, "options": options}
        self._interact(person, 2, data, age_s, **more)

    def press(self, person: Person, custom_id: str, message: dict[str, Any]) -> None:
        data = {"custom_id": custom_id, "component_type": 2}
        self._interact(person, 3, data, 0, message=message)

    def dispatch(self, event: str, data: dict[str, Any]) -> None:
        self.call(self._dispatch(event, data))

    def last_message(self) -> dict[str, Any]:
        return list(self._messages.values())[-1]

    def _interact(self, person: Person, kind: int, data: dict[str, Any], age_s: float, **more: Any) -> None:
        number = self._snowflake(age_s)
        channel = {"id": CHANNEL, "type": 0, "name": "kitchen"}
        self.dispatch(
            "INTERACTION_CREATE",
            {
                "id": number,
                "application_id": "42",
                "type": kind,
                "token": f"token-{number}-{person.id}",
                "version": 1,
                "guild_id": GUILD,
                "channel_id": CHANNEL,
                "channel": channel,
                "member": {**MEMBER, "user": user(person), "permissions": "8"},
                "data": data,
                "entitlements": [],
                "authorizing_integration_owners": {},
                "attachment_size_limit": 1,
                **more,
            },
        )

    async def _dispatch(self, event: str, data: dict[str, Any]) -> None:
        await self._ready.wait()
        frame = {"op": 0, "t": event, "s": next(self._sequence), "d": data}
        await self._gateways[-1].send_str(json.dumps(frame))

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 45_000}})
        async for frame in socket:
            packet = frame.json()
            if packet["op"] == 1:
                await socket.send_json({"op": 11})
            elif packet["op"] == 2:
                await self._identify(socket)
        return socket

    async def _identify(self, socket: web.WebSocketResponse) -> None:
        ready = {
            "v": 10,
            "user": BOT,
            "guilds": [],
            "session_id": "session",
            "resume_gateway_url": self.url.replace("http", "ws") + "/gateway",
            "application": {"id": "42", "flags": 0},
        }
        await socket.send_json({"op": 0, "t": "READY", "s": 1, "d": ready})
        await socket.send_json({"op": 0, "t": "GUILD_CREATE", "s": 1, "d": KITCHENS})
        self._gateways.append(socket)
        self._ready.set()

    async def _open_dm(self, request: web.Request) -> web.Response:
        reader = Person(str((await request.json())["recipient_id"]), "Reader")
        channel = f"7{reader.id}"
        self._dms[channel] = reader
        return _json({"id": channel, "type": 1, "recipients": [user(reader)]})

    async def _post(self, request: web.Request) -> web.Response:
        payload = await request.json()
        if payload["content"] == "unreachable":
            return _json({"code": 50013, "message": "Missing Permissions"}, status=403)
        return _json(self._send(payload, request.match_info["channel"]))

    async def _patch(self, request: web.Request) -> web.Response:
        message = self._messages[request.match_info["message"]]
        return _json(self._change(message, await request.json()))

    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.callbacks.append(body["type"])
        answer: dict[str, Any] = {"interaction": {"id": request.match_info["id"], "type": 2}}
        if body["type"] == 4:
            answer["resource"] = {"type": 4, "message": self._send(body["data"], CHANNEL)}
        elif body["type"] == 7:
            answer["resource"] = {"type": 7, "message": self._change(self.last_message(), body["data"])}
        return _json(answer)

    async def _follow_up(self, request: web.Request) -> web.Response:
        return _json(self._send(await request.json(), CHANNEL))

    async def _edit_original(self, request: web.Request) -> web.Response:
        return _json(self._send(await request.json(), CHANNEL))

    def _send(self, payload: dict[str, Any], channel: str) -> dict[str, Any]:
        message = self._written(BOT, payload.get("content") or "", channel_id=channel)
        message["components"] = payload.get("components") or []
        self._messages[message["id"]] = message
        self.texts.append(message["content"])
        return message

    def _change(self, message: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
        message.update({name: payload[name] for name in ("content", "components") if name in payload})
        self.texts.append(message["content"])
        return message

    def _written(self, author: dict[str, Any], text: str, age_s: float = 0, **more: Any) -> dict[str, Any]:
        number = self._snowflake(age_s)
        in_guild = {"guild_id": GUILD, "member": MEMBER} if more.get("channel_id", CHANNEL) == CHANNEL else {}
        return {
            "id": number,
            "channel_id": CHANNEL,
            **in_guild,
            "author": author,
            "content": text,
            "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
            **more,
        }

    def _snowflake(self, age_s: float) -> str:
        return str((round((time.time() - age_s) * 1000) - _EPOCH_MS << 22) + next(self._serials))


def user(person: Person) -> dict[str, Any]:
    named = {
        "username": person.name.lower(),
        "global_name": person.name,
        "discriminator": "0",
        "avatar": None,
    }
    return {"id": person.id, **named}


MEMBER = {"roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
APPLICATION = {
    "id": "42",
    "name": "bot",
    "icon": None,
    "description": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "",
    "flags": 0,
    "owner": {**BOT, "id": "43"},
    "team": None,
}
KITCHENS = {
    "id": GUILD,
    "name": "Kitchens",
    "owner_id": "43",
    "channels": [{"id": CHANNEL, "type": 0, "name": "kitchen", "position": 0, "permission_overwrites": []}],
    "members": [{**MEMBER, "user": BOT}],
    "member_count": 1,
    "roles": [
        {
            "id": GUILD,
            "name": "@everyone",
            "permissions": "8",
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
    ],
    "emojis": [],
    "stickers": [],
    "threads": [],
    "presences": [],
    "voice_states": [],
    "features": [],
    "verification_level": 0,
    "default_message_notifications": 0,
    "explicit_content_filter": 0,
    "mfa_level": 0,
    "nsfw_level": 0,
    "premium_tier": 0,
    "preferred_locale": "en-US",
    "unavailable": False,
}


def _always(content: Any, status: int = 200) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return _json(content, status=status)

    return answer


def _json(content: Any, status: int = 200) -> web.Response:
    # discord.py knows JSON by this content type exactly, without a charset.
    return web.Response(body=json.dumps(content).encode(), status=status, content_type="application/json")
