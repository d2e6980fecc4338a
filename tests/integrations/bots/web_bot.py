"""Webhook bots as plain ASGI and WSGI apps and with FastAPI, which obey their users."""

import asyncio
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request

import botwatch

SECRET = os.environ["WEBHOOK_SECRET"]
pool = ThreadPoolExecutor(1)


def messages(payload):
    return [{"user_id": payload["who"], "text": payload["what"], "sent_at": payload["at"]}]


def tell(who, text):
    botwatch.message(direction="out", user_id=who, text=text)


def obey(payload):
    """The response's JSON."""
    who, what = payload["who"], payload["what"]
    if what == "crash":
        raise RuntimeError("as the test wants it")
    if what == "by hand":
        time.sleep(0.1)
        tell(who, "one")
        tell("another", "two")
    elif what == "pool":
        pool.submit(tell, who, "without times").result()
        pool.submit(botwatch.carry(tell), who, "with times").result()
    else:
        return {"text": f"you said {what}"}
    return {"text": "not one more"}


async def obey_by_tasks(payload):
    """A task and a thread that outlive nothing but the await."""
    if payload["what"] != "task":
        return obey(payload)
    await asyncio.create_task(asyncio.to_thread(tell, payload["who"], "from a task's thread"))
    return {"text": "not one more"}


def note(payload):
    """Without a secret the app records everything itself."""
    botwatch.message(user_id=payload["who"], text=payload["what"])
    time.sleep(0.1)
    tell(payload["who"], "noted")
    return {}


def plain_wsgi(environ, start_response):
    payload = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    answer = note(payload) if environ["PATH_INFO"] == "/note" else obey(payload)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


async def plain_asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message["body"]
        has_more = message.get("more_body")
    payload = json.loads(body)
    answer = json.dumps(note(payload) if scope["path"] == "/note" else await obey_by_tasks(payload)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


fastapi = FastAPI()


@fastapi.post("/webhook")
async def webhook(request: Request):
    return await obey_by_tasks(await request.json())


@fastapi.post("/note")
def take_note(payload: dict):
    return note(payload)


def attach(app):
    for _ in range(2):  # as often as one likes
        app = botwatch.attach(app, secret=SECRET, provider=messages)
        app = botwatch.attach(app, path="/note")
    return app


botwatch.start(linger_s=0.05)
fastapi, plain_asgi, plain_wsgi = attach(fastapi), attach(plain_asgi), attach(plain_wsgi)
