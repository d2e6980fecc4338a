"""What tests of the read API share: a server over a database of two bots, and programs that may read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from botwatch_collector import clock, db
from botwatch_collector.access import bots, tokens
from botwatch_collector.app import create_app
from botwatch_collector.config import Config, Limits


@dataclass(frozen=True)
class Reading:
    """`alice` reads all bots; `mallory` only the bot named mallory-bot."""

    client: FlaskClient
    alice: str
    mallory: str
    alice_bot: int
    mallory_bot: int

    def ask(self, path: str, token: str | None = None) -> TestResponse:
        return self.client.get(path, headers={"Authorization": f"Bearer {token or self.alice}"})

    def json(self, path: str, token: str | None = None) -> Any:
        reply = self.ask(path, token)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.json


@contextmanager
def reading(url: str, fill: Callable[[int, int], None], limits: Limits | None = None) -> Iterator[Reading]:
    """`fill` gets the ids of Alice's and of Mallory's bot, with a connection open."""
    db.connect(url)
    with db.connected():
        at = clock.now()
        alice_bot, mallory_bot = bots.add("alice-bot", at), bots.add("mallory-bot", at)
        alice = tokens.add("read", at)[1]
        mallory = tokens.add("read", at, bot=mallory_bot)[1]
        fill(alice_bot.id, mallory_bot.id)
    db.database.close_all()
    app = create_app(Config(database=url, threads=4, limits=limits or Limits()))
    app.testing = True
    try:
        yield Reading(app.test_client(), alice, mallory, alice_bot.id, mallory_bot.id)
    finally:
        db.database.close_all()
