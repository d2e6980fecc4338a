"""What the doubles of chat platforms share: an aiohttp application in a thread, and what the bot sent."""

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

PATIENCE_S = 60


@dataclass(frozen=True)
class Person:
    id: str
    name: str


class PlatformDouble:
    """Use as a context manager. Subclasses add routes to `self.app`, count what is `said` and keep
    the `texts` that they accepted from the bot.
    """

    calls_bot = False
    """Whether it sends requests to the bot, which then has to tell where it listens."""
    age_s = 100
    """How old a message may be when the bot hears it."""

    def __init__(self) -> None:
        self.app = web.Application()
        self.bot_url = ""
        self.said = 0
        self.texts: list[str] = []
        self._announced = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self._serve())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for_bot(self) -> None:
        """Until messages can be said; on a platform that the bot connects to that is at once."""
        assert not self.calls_bot or self._announced.wait(PATIENCE_S), "the bot has not told its address"

    def person(self, number: int, name: str) -> Person:
        return Person(str(number), name)

    def known_name(self, person: Person) -> str | None:
        """What the platform tells the bot of a person's name."""
        return person.name

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine on the double's loop, from a test."""
        done: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return done.result(PATIENCE_S)

    async def _hello(self, request: web.Request) -> web.Response:
        """Where a platform that calls its bots is told their address."""
        self.bot_url = await request.text()
        self._announced.set()
        return web.Response()

    async def _serve(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
