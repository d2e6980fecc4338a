"""A small Telegram Bot API over real HTTP: users speak by `say`, and what the bot sends stays to be read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

BOT_ID = 123456
TOKEN = f"{BOT_ID}:AAH-a-token-of-no-bot-anywhere_0123456"
_LONGEST_POLL_S = 2.0


@dataclass(frozen=True)
class Person:
    id: int
    first_name: str
    last_name: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class Group:
    id: int
    title: str


class BotApi:
    """One bot's Bot API. Use as a context manager; `url` is what frameworks take as the server."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self._updates: list[dict[str, Any]] = []
        self._number = 0
        self._groups: dict[int, Group] = {}
        self._changed = threading.Condition()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BotApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def say(
        self, person: Person, text: str | None, *, group: Group | None = None, age_s: float = 0, **more: Any
    ) -> None:
        """Have a person write to the bot, `age_s` seconds ago."""
        self.deliver({"message": self.message(person, text, group, age_s, **more)})

    def press(self, person: Person, data: str) -> None:
        """Have a person press a button under a message that the bot sent long ago."""
        message = self.message(Person(BOT_ID, "Bot"), "Choose", age_s=86_400)
        message["chat"] = _private(person)
        query = {"id": "1", "from": _user(person), "message": message, "chat_instance": "1", "data": data}
        self.deliver({"callback_query": query})

    def deliver(self, update: dict[str, Any]) -> dict[str, Any]:
        with self._changed:
            self._number += 1
            update = {"update_id": self._number, **update}
            self._updates.append(update)
            self._changed.notify_all()
        return update

    def message(
        self, person: Person, text: str | None, group: Group | None = None, age_s: float = 0, **more: Any
    ) -> dict[str, Any]:
        if group:
            self._groups[group.id] = group
        written = {
            "message_id": self._next(),
            "date": int(time.time() - age_s),
            "from": _user(person),
            "chat": {"id": group.id, "type": "group", "title": group.title} if group else _private(person),
            **more,
        }
        return written | ({"text": text} if text is not None else {})

    def wait_for(self, is_reached: Callable[[], bool], timeout_s: float = 20) -> None:
        """Until what the bot sent or called satisfies the condition."""
        with self._changed:
            assert self._changed.wait_for(is_reached, timeout_s), f"calls so far: {self.calls}"

    def _next(self) -> int:
        with self._changed:
            self._number += 1
            return self._number

    @Request.application
    def _answer(self, request: Request) -> Response:
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != TOKEN:
            return _json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        arguments = {**request.args, **request.form, **(request.get_json(silent=True) or {})}
        if method == "getUpdates":
            return _json({"ok": True, "result": self._poll(arguments)})
        if "unreachable" in str(arguments.get("text")):
            return _json({"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}, 400)
        result = self._perform(method, arguments)
        with self._changed:
            self.calls.append(method)
            self._changed.notify_all()
        return _json({"ok": True, "result": result})

    def _poll(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        offset, timeout_s = int(arguments.get("offset") or 0), float(arguments.get("timeout") or 0)
        with self._changed:
            self._updates = [update for update in self._updates if update["update_id"] >= offset]
            self._changed.wait_for(lambda: self._updates, min(timeout_s, _LONGEST_POLL_S))
            return list(self._updates)

    def _perform(self, method: str, arguments: dict[str, Any]) -> Any:
        if method == "getMe":
            return {"id": BOT_ID, "is_bot": True, "first_name": "Bot", "username": "double_bot"}
        if method == "sendMediaGroup":
            parts = json.loads(arguments["media"])
            return [self._send(arguments, photo=_PHOTO, caption=part.get("caption")) for part in parts]
        if method == "sendPhoto":
            return self._send(arguments, photo=_PHOTO, caption=arguments.get("caption"))
        if method in ("sendMessage", "editMessageText"):
            return self._send(arguments, text=arguments["text"])
        return True

    def _send(self, arguments: dict[str, Any], **content: Any) -> dict[str, Any]:
        chat_id = int(arguments["chat_id"])
        group = self._groups.get(chat_id)
        message = {
            "message_id": self._next(),
            "date": int(time.time()),
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "Bot"},
            "chat": {"id": chat_id, "type": "group", "title": group.title}
            if group
            else {"id": chat_id, "type": "private", "first_name": f"Person {chat_id}"},
            **{name: value for name, value in content.items() if value is not None},
        }
        self.sent.append(message)
        return message


_PHOTO = [{"file_id": "photo", "file_unique_id": "photo", "width": 1, "height": 1}]


def _user(person: Person) -> dict[str, Any]:
    named = {"last_name": person.last_name} if person.last_name else {}
    return {"id": person.id, "is_bot": False, "first_name": person.first_name, **named}


def _private(person: Person) -> dict[str, Any]:
    return {"id": person.id, "type": "private", "first_name": person.first_name}


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
