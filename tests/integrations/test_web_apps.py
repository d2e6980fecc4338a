"""Webhook bots in real uvicorn and gunicorn: FastAPI, and apps of no framework at all."""

import asyncio
import hashlib
import hmac
import itertools
import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from botwatch import Agent
from botwatch.integrations import attach

from .conftest import BOTS, PATIENCE_S, agent_environment, eventually

SECRET = "the webhook's secret"
APPS = {
    "fastapi": ["uvicorn", "web_bot:fastapi", "--fd"],
    "asgi": ["uvicorn", "web_bot:plain_asgi", "--fd"],
    "wsgi": ["gunicorn", "web_bot:plain_wsgi", "--threads=4", "--bind"],
}
_numbers = itertools.count(1)


class Scene:
    """A running app, and what became of what people said to it."""

    def __init__(self, kind: str, url: str, collector) -> None:
        self.kind = kind
        self.url = url
        self.collector = collector

    def say(self, who: str, what: str, path: str = "/webhook", secret: str = SECRET) -> requests.Response:
        body = json.dumps({"who": who, "what": what, "at": time.time() - 5}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
        return requests.post(self.url + path, body, headers=headers, timeout=PATIENCE_S)

    def after(self, count: int, who: str) -> list[dict]:
        eventually(lambda: len(self._messages(who)) >= count)
        return self._messages(who)

    def _messages(self, who: str) -> list[dict]:
        return [m for m in self.collector.messages() if m["user_id"] == who]


@pytest.fixture(scope="module", params=APPS)
def scene(request, new_collector, tmp_path_factory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp(request.param)
    program, *arguments = APPS[request.param]
    log = folder / "app.log"
    with (
        new_collector() as collector,
        socket.create_server(("127.0.0.1", 0)) as listener,
        log.open("wb") as output,
    ):
        number = listener.fileno()
        place = str(number) if program == "uvicorn" else f"fd://{number}"
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments, place],
            env=agent_environment(collector, folder) | {"WEBHOOK_SECRET": SECRET},
            cwd=BOTS,
            pass_fds=[number],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Scene(request.param, f"http://127.0.0.1:{listener.getsockname()[1]}", collector)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            print(log.read_text())


def somebody() -> str:
    return f"alice{next(_numbers)}"


def one(messages: list[dict], direction: str) -> dict:
    (found,) = [message for message in messages if message["direction"] == direction]
    return found


def test_every_message_and_answer_is_counted_once(scene):
    alice = somebody()
    answers = [scene.say(alice, f"word {number}").json()["text"] for number in range(20)]

    messages = scene.after(40, alice)

    said = [f"word {number}" for number in range(20)]
    assert answers == [f"you said {word}" for word in said]
    assert Counter((m["direction"], m["text"]) for m in messages) == Counter(
        [("in", word) for word in said] + [("out", answer) for answer in answers]
    )
    assert all("response_ms" in m and m["wait_ms"] >= 5000 for m in messages if m["direction"] == "out")


def test_forged_request_reaches_the_app_and_is_not_recorded(scene):
    alice = somebody()
    assert scene.say(alice, "forged", secret="another").json() == {"text": "you said forged"}
    scene.say(alice, "true")

    assert [m["text"] for m in scene.after(2, alice)] == ["true", "you said true"]


def test_body_too_long_to_look_at_reaches_the_app_whole(scene):
    alice, long = somebody(), "x" * (2 << 20)
    assert scene.say(alice, long).json() == {"text": f"you said {long}"}
    scene.say(alice, "short")

    assert [m["text"] for m in scene.after(2, alice)] == ["short", "you said short"]


def test_message_that_the_app_records_itself_gets_the_requests_times(scene):
    alice = somebody()
    scene.say(alice, "by hand")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] == "one"
    assert answer["response_ms"] >= 100 and answer["wait_ms"] >= 5100
    (other,) = scene.after(1, "another")
    assert (other["text"], other.get("response_ms")) == ("two", None)


def test_app_without_a_secret_records_everything_itself_and_gets_times(scene):
    alice = somebody()
    scene.say(alice, "note this", path="/note")

    messages = scene.after(2, alice)

    assert [m["text"] for m in messages] == ["note this", "noted"]
    assert one(messages, "out")["response_ms"] >= 100
    assert "wait_ms" not in one(messages, "out")


def test_turn_is_carried_to_a_pool_and_not_guessed_there(scene):
    alice = somebody()
    scene.say(alice, "pool")

    answers = {m["text"]: m for m in scene.after(3, alice) if m["direction"] == "out"}

    assert {text: "response_ms" in m for text, m in answers.items()} == {
        "without times": False,
        "with times": True,
    }


def test_turn_follows_into_tasks_and_their_threads(scene):
    """A WSGI app knows no tasks: there it is a word like any other."""
    alice = somebody()
    scene.say(alice, "task")

    answer = one(scene.after(2, alice), "out")

    assert answer["text"] == ("you said task" if scene.kind == "wsgi" else "from a task's thread")
    assert "response_ms" in answer


def test_uncaught_error_is_told_and_the_app_answers_as_before(scene):
    alice = somebody()

    assert scene.say(alice, "crash").status_code == 500

    eventually(lambda: scene.collector.activities("RuntimeError"))
    (error,) = scene.collector.activities("RuntimeError")
    assert error["user_id"] == alice
    assert "web_bot.py" in error["details"]["place"]


def test_only_apps_are_wrapped():
    def handler(update: object) -> None:
        """A handler of a bot."""

    for target in (handler, object(), dict):
        with pytest.raises(TypeError, match="any ASGI or WSGI app"):
            attach(target, Agent())


def test_response_that_streams_is_no_hanging_handler():
    agent = Agent()

    def stream(environ, start_response):
        start_response("200 OK", [])
        yield b"a word"
        yield b"another"

    response = attach(stream, agent)({"REQUEST_METHOD": "POST", "PATH_INFO": "/"}, lambda *_: None)
    assert len(agent.watched.at_work) == 1
    for _ in response:
        assert not agent.watched.at_work
    response.close()


def test_asynchronous_response_that_streams_is_no_hanging_handler():
    agent, at_work = Agent(), []

    async def stream(scope, receive, send):
        at_work.append(len(agent.watched.at_work))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        at_work.append(len(agent.watched.at_work))

    async def ignore(_message=None):
        """Of no interest."""

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(attach(stream, agent)(scope, ignore, ignore))
    assert at_work == [1, 0]
