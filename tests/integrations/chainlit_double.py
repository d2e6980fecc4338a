"""The users of a Chainlit app: each logs in and talks over Socket.IO, as their browser would."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import aiohttp
import socketio
from aiohttp import web

from .platform_double import Person, PlatformDouble


class ChainlitUsers(PlatformDouble):
    calls_bot = True
    age_s = 0

    def __init__(self) -> None:
        super().__init__()
        self._sockets: dict[str, socketio.AsyncClient] = {}
        self._shown: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.app.add_routes([web.post("/bot", self._hello)])

    def __exit__(self, *error: object) -> None:
        self.call(self._leave())
        super().__exit__(*error)

    def person(self, number: int, name: str) -> Person:
        return Person(f"{name.lower()}{number}", name)

    def say(self, person: Person, text: str, age_s: float = 0) -> None:
        self.said += 1
        self.call(self._emit(person, "client_message", _message(text)))

    def edit(self, person: Person, text: str) -> None:
        """Have a person change the last message they sent."""
        self.said += 1
        self.call(self._emit(person, "edit_message", {**self._last, "output": text}))

    async def _emit(self, person: Person, event: str, message: dict[str, Any]) -> None:
        if person.id not in self._sockets:
            self._sockets[person.id] = await self._enter(person)
        self._last = message
        await self._sockets[person.id].emit(event, {"message": message, "fileReferences": None})

    async def _enter(self, person: Person) -> socketio.AsyncClient:
        socket = socketio.AsyncClient()
        for event in ("new_message", "update_message"):
            socket.on(event, self._show)
        socket.on("ask", self._ask)
        who = {"username": person.id, "password": person.name}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.bot_url}/login", data=who) as answer,
        ):
            cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in answer.cookies.items())
        auth = {"sessionId": str(uuid.uuid4()), "clientType": "webapp"}
        await socket.connect(
            self.bot_url,
            {"Cookie": cookies},
            auth,
            transports=["websocket"],
            socketio_path="/ws/socket.io",
            wait_timeout=30,
        )
        await socket.emit("connection_successful")
        return socket

    async def _show(self, step: dict[str, Any]) -> None:
        text = step["output"]
        if step["type"] == "assistant_message" and text and self._shown.get(step["id"]) != text:
            self._shown[step["id"]] = text
            self.texts.append(text)

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        await self._show(question["msg"])
        self.said += 1
        return _message(self.answers[question["msg"]["output"]])

    async def _leave(self) -> None:
        await asyncio.gather(*(socket.disconnect() for socket in self._sockets.values()))


def _message(text: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "threadId": "",
        "name": "User",
        "type": "user_message",
        "output": text,
        "createdAt": datetime.now(UTC).isoformat(),
    }
