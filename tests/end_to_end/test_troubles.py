"""What goes wrong in a bot, from a real agent through a real collector to those who ask."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from botwatch import Agent

from ..collector.server import Server

PATIENCE_S = 60


class Bot:
    """A bot's agent, and somebody who may read what the collector knows of it."""

    def __init__(self, server: Server, spool: Path) -> None:
        self._url = server.url
        self._read = {"Authorization": f"Bearer {server.add_read_token()}"}
        settings = {"linger_s": 0.1, "heartbeat_s": 0.5, "hanging_s": 0.5}
        self.agent = Agent().start(server.url, server.add_bot("shop"), spool_dir=spool, **settings)

    def ask(self, path: str) -> requests.Response:
        return requests.get(self._url + path, headers=self._read, timeout=30)

    def eventually(self, path: str, is_there: Callable[[Any], object]) -> Any:
        """The answer, once it is as wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_there(found := self.ask(path).json()):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found


@pytest.fixture
def bot(server: Server, tmp_path: Path) -> Iterator[Bot]:
    one = Bot(server, tmp_path / "spool")
    yield one
    one.agent.stop()


def first_line(handler: Any) -> int:
    line: int = handler.__wrapped__.__code__.co_firstlineno
    return line


def indicator(board: dict[str, Any], name: str) -> dict[str, Any]:
    found = [one for one in board["health"]["indicators"] if one["name"] == name]
    return found[0] if found else {"status": None}


def test_handler_that_sleeps_is_named_by_file_and_line(bot: Bot) -> None:
    release = threading.Event()

    @bot.agent.respond
    def handle(user_id: str, text: str) -> str:
        release.wait(PATIENCE_S)
        return "at last"

    handling = threading.Thread(target=handle, args=("42", "hello"))
    handling.start()
    path = "/api/monitoring/dashboard"
    (hang,) = bot.eventually(path, lambda board: board["hangs"])["hangs"]
    assert hang["place"] == f"{__file__}:{first_line(handle) + 2}"
    assert (hang["state"], hang["what"]) == ("hanging", "handler")

    release.set()
    handling.join()
    (hang,) = bot.eventually(path, lambda board: board["hangs"][0]["state"] == "over")["hangs"]
    assert hang["blocked_ms"] >= 500


def test_error_reaches_everybody_who_asks(bot: Bot) -> None:
    @bot.agent.respond
    def handle(user_id: str, text: str) -> None:
        raise LookupError("no such parcel")

    for _ in range(3):
        with pytest.raises(LookupError):
            handle("42", "hello")
    place = f"{__file__}:{first_line(handle) + 2}"

    board = bot.eventually(
        "/api/monitoring/dashboard", lambda board: board["errors"] and board["errors"][0]["count"] == 3
    )
    assert (board["errors"][0]["type"], board["errors"][0]["place"]) == ("LookupError", place)
    told = bot.ask("/api/activities?category=error&user=42&limit=2").json()
    assert [one["action"] for one in told["activities"]] == ["LookupError"] * 2
    (last,) = bot.ask(f"/api/activities?category=error&limit=2&cursor={told['next']}").json()["activities"]
    assert last["details"]["place"] == place
    assert 'botwatch_errors_total{bot="shop"} 3.0' in bot.ask("/metrics").text


def test_check_turns_red_and_green_again(bot: Bot) -> None:
    is_broken = threading.Event()
    is_broken.set()

    @bot.agent.check("orders", every_s=0.2)
    def ask() -> None:
        if is_broken.is_set():
            raise ConnectionRefusedError("no orders here")

    path = "/api/monitoring/dashboard"
    board = bot.eventually(path, lambda board: indicator(board, "orders")["status"] == "fail")
    assert indicator(board, "orders")["message"] == "ConnectionRefusedError: no orders here"
    health = bot.ask("/debug/health-quick").json()
    assert (health["status"], health["checks"]["dependencies"]["orders"]["status"]) == ("degraded", "fail")
    assert 'botwatch_check_ok{bot="shop",check="orders"} 0.0' in bot.ask("/metrics").text

    is_broken.clear()
    bot.eventually(path, lambda board: indicator(board, "orders")["status"] == "ok")
    health = bot.ask("/debug/health-quick").json()
    assert health["checks"]["dependencies"]["orders"]["status"] == "ok"
