"""requests: watches what a webhook bot sends through a `Session`, by the session's own response hook.

Knows the calls by which Messenger, Telegram and Slack are sent messages; every other request passes unseen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests

from . import bot_api
from .guard import unharmed
from .messages import Sent, record_sent
from .turns import current_turn

if TYPE_CHECKING:
    from botwatch import Agent

Reader = Callable[[str, Mapping[str, Any], Any], Iterator[Sent]]


def attach(session: Any, agent: Agent) -> None:
    """Watch a `requests.Session`; attaching it again changes nothing."""
    if not isinstance(session, requests.Session):
        raise TypeError("attach() takes a requests.Session")
    hooks = session.hooks["response"]
    if not any(isinstance(hook, WatchResponses) for hook in hooks):
        hooks.append(WatchResponses(agent))


class WatchResponses:
    """A response hook: sees every answer, records those that say a message was sent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def __call__(self, response: requests.Response, *_: Any, **__: Any) -> None:
        with unharmed("a bot's request"):
            if response.request.method == "POST" and response.ok:
                self._read(response)

    def _read(self, response: requests.Response) -> None:
        path = urlsplit(response.request.url or "").path
        for pattern, read in _CALLS:
            call = pattern.search(path)
            if call:
                for message in read(call[1], _body(response.request), response.json()):
                    record_sent(self._agent, message, current_turn())
                return


def _body(request: requests.PreparedRequest) -> Mapping[str, Any]:
    body = request.body or b""
    if not isinstance(body, bytes | str):
        return {}
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body if isinstance(body, str) else body.decode()))
    decoded = json.loads(body)
    return decoded if isinstance(decoded, dict) else {}


def _from_telegram(endpoint: str, body: Mapping[str, Any], answer: Any) -> Iterator[Sent]:
    return bot_api.sent(endpoint, body, answer.get("result"))


def _from_messenger(_call: str, body: Mapping[str, Any], _answer: Any) -> Iterator[Sent]:
    recipient, message = _object(body.get("recipient")), _object(body.get("message"))
    if recipient.get("id") and message:
        attachment = _object(message.get("attachment"))
        text = message.get("text") or f"[{attachment.get('type', 'message')}]"
        yield Sent(text, str(recipient["id"]), is_private=True)


def _from_slack(_call: str, body: Mapping[str, Any], answer: Any) -> Iterator[Sent]:
    if answer.get("ok"):
        # Slack takes a name too and answers with the channel's id.
        channel = str(answer.get("channel") or body.get("channel"))
        yield Sent(body.get("text") or "[blocks]", channel, channel)


def _object(value: Any) -> Mapping[str, Any]:
    # A form carries its objects as JSON.
    value = json.loads(value) if isinstance(value, str) else value
    return value if isinstance(value, dict) else {}


_CALLS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"/bot\d+:[^/]+/(\w+)$"), _from_telegram),
    (re.compile(r"/(?:me|\d+)/(messages)$"), _from_messenger),
    (re.compile(r"/(chat\.postMessage)$"), _from_slack),
)
