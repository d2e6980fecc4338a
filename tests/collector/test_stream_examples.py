"""What the documentation tells people to type, and what `/metrics` says of the streams that come of it."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from .posting import post
from .server import Server
from .streams import Stream

DOCS = (Path(__file__).parents[2] / "docs" / "streaming.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (curl .*)$", DOCS, re.MULTILINE)
CHANNELS = "/api/monitoring/stream?channels="


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = tmp_path_factory.mktemp("examples") / "botwatch.db"
    shutil.copy(sqlite_template, database)
    with Server(f"sqlite:///{database}", workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def bot(server: Server) -> str:
    return server.add_bot("shop")


@pytest.fixture(scope="module")
def token(server: Server, bot: str) -> str:
    return server.add_read_token()


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_documentation_opens_a_stream(server: Server, token: str, command: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl: apt-get install curl")
    process = subprocess.Popen(
        ["sh", "-c", "exec " + command.replace("http://127.0.0.1:8400", server.url)],
        env={"TOKEN": token, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"retry: ")
        process.kill()


@contextmanager
def opened(server: Server, token: str, path: str) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"}
    with requests.get(server.url + path, headers=headers, stream=True, timeout=60) as reply:
        reply.raise_for_status()
        read = Stream(reply.raw.stream(65_536))
        read.take()
        yield read


def figures(server: Server, token: str) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {token}"}
    text = requests.get(f"{server.url}/metrics", headers=headers, timeout=30).text
    found = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("botwatch_stream_"))
    return {name.removeprefix("botwatch_stream_"): float(value) for name, value in found}


def await_figures(server: Server, token: str, **wanted: float) -> dict[str, float]:
    """Processes write what they count every few seconds."""
    deadline = time.monotonic() + 60
    while True:
        found = figures(server, token)
        if found.items() >= wanted.items():
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_streams_are_counted_whichever_worker_let_them_in(server: Server, bot: str, token: str) -> None:
    await_figures(server, token, readers=0)
    before = figures(server, token)
    with ExitStack() as stack:
        readers = [stack.enter_context(opened(server, token, CHANNELS + "messages")) for _ in range(6)]
        watching = stack.enter_context(opened(server, token, CHANNELS + "health"))
        watching.next(2)
        post(server.url, bot, 1, 10)
        for read in readers:
            assert read.texts(10) == [str(number) for number in range(1, 11)]
        frames = {
            'events_total{channel="messages"}': before.get('events_total{channel="messages"}', 0) + 60,
            "lag_seconds_count": before["lag_seconds_count"] + 10,
        }
        after = await_figures(server, token, readers=7, slow_readers=0, **frames)

    assert after['events_total{channel="health"}'] >= 2
    assert after["bytes_total"] - before["bytes_total"] >= 60 * len('data: {"id":1}')
    await_figures(server, token, readers=0)


def test_refused_streams_are_counted_by_reason(server: Server, bot: str, token: str) -> None:
    secret = server.add_read_token()
    before = figures(server, token).get('dropped_total{reason="access"}', 0)
    with opened(server, secret, "/debug/message-stream") as read:
        server.command("token", "revoke", secret[-4:])
        assert read.next(1) == []

    await_figures(server, token, **{'dropped_total{reason="access"}': before + 1})
