"""A small Slack: it posts signed requests to the bot, as often as it likes, and takes Web API calls."""

import hashlib
import hmac
import json
import time
from itertools import count
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from .platform_double import Person, PlatformDouble

SECRET = "signing-secret"


class Slack(PlatformDouble):
    calls_bot = True

    def __init__(self) -> None:
        super().__init__()
        self._serials = count(1)
        self.app.add_routes(
            [
                web.post("/bot", self._hello),
                web.route("*", "/api/{method}", self._method),
                web.post("/response/{user}", self._respond),
            ]
        )

    def person(self, number: int, name: str) -> Person:
        return Person(f"U{number}", name)

    def known_name(self, person: Person) -> None:
        """Events carry no names."""

    def say(self, person: Person, text: str, age_s: float = 0, deliveries: int = 1) -> None:
        """Have a person write to the bot, and Slack deliver it that many times."""
        self.said += 1
        stamp = f"{time.time() - age_s:.5f}{next(self._serials) % 10}"
        event = {"user": person.id, "text": text, "ts": stamp, "channel": f"D{person.id}"}
        self.deliver({"type": "message", **event}, deliveries)

    def deliver(self, event: dict[str, Any], deliveries: int = 1) -> None:
        told = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{next(self._serials)}"}
        body = json.dumps({**told, "event": event})
        for number in range(deliveries):
            again = {"X-Slack-Retry-Num": str(number)} if number else {}
            assert self._post(body, "application/json", again)[0] == 200

    def command(self, person: Person, text: str) -> str:
        """Have a person use the command /order; the response to it."""
        self.said += 1
        form = {
            "command": "/order",
            "text": text,
            "user_id": person.id,
            "user_name": person.name,
            "channel_id": f"D{person.id}",
            "team_id": "T1",
            "trigger_id": f"trigger{next(self._serials)}",
            "response_url": f"{self.url}/response/{person.id}",
        }
        status, answer = self._post(urlencode(form), "application/x-www-form-urlencoded", {})
        assert status == 200
        if answer:
            self.texts.append(answer)
        return answer

    def press(self, person: Person, action: str) -> None:
        self.said += 1
        payload = {
            "type": "block_actions",
            "user": {"id": person.id, "username": person.name, "team_id": "T1"},
            "team": {"id": "T1"},
            "channel": {"id": f"D{person.id}"},
            "actions": [{"action_id": action, "type": "button", "action_ts": f"{time.time():.6f}"}],
            "trigger_id": f"trigger{next(self._serials)}",
            "response_url": f"{self.url}/response/{person.id}",
        }
        form = urlencode({"payload": json.dumps(payload)})
        assert self._post(form, "application/x-www-form-urlencoded", {})[0] == 200

    def _post(self, body: str, content_type: str, headers: dict[str, str]) -> tuple[int, str]:
        stamp = str(int(time.time()))
        signature = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}
        result: tuple[int, str] = self.call(
            self._request(body, {"Content-Type": content_type, **signed, **headers})
        )
        return result

    async def _request(self, body: str, headers: dict[str, str]) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.bot_url, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    async def _method(self, request: web.Request) -> web.Response:
        is_json = request.content_type == "application/json"
        arguments: Any = await request.json() if is_json else dict(await request.post())
        given = {**request.query, **arguments}
        return web.json_response(self._perform(request.match_info["method"], given))

    def _perform(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {"ok": True, "user_id": "UBOT", "bot_id": "B1", "team_id": "T1", "team": "Kitchen"}
        if method == "users.info":
            user = {"id": arguments["user"], "profile": {"display_name": f"Person {arguments['user']}"}}
            return {"ok": True, "user": user}
        text = arguments["text"]
        if text == "unreachable":
            return {"ok": False, "error": "channel_not_found"}
        self.texts.append(text)
        asked = arguments["channel"]
        channel = f"D{asked}" if asked.startswith("U") else asked
        return {"ok": True, "channel": channel, "ts": f"{time.time():.6f}", "message": {"text": text}}

    async def _respond(self, request: web.Request) -> web.Response:
        self.texts.append((await request.json())["text"])
        return web.Response(text="ok")
