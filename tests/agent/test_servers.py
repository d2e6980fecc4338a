"""Bots under the servers and pools that people run them with: every message arrives, and once.

Each test starts the real thing as its users do, has it record from several processes, ends it, and counts.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from botwatch import Agent

from ..integrations.environments import python_with
from .collector_double import TOKEN, CollectorDouble

Start = Callable[..., Agent]
Launch = Callable[..., subprocess.Popen[str]]

MESSAGES = 60
EXPECTED = sorted(f"message {number}" for number in range(MESSAGES))

WSGI_APP = """
import os, botwatch
botwatch.start(linger_s=0.05, retry_s=0.05, adopt_s=0.1)
def app(environ, start_response):
    if text := environ["QUERY_STRING"].replace("%20", " "):
        botwatch.message(user_id="alice", text=text)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""

ASGI_APP = """
import os, botwatch
botwatch.start(linger_s=0.05, retry_s=0.05, adopt_s=0.1)
async def app(scope, receive, send):
    if scope["type"] == "http":
        if text := scope["query_string"].decode().replace("%20", " "):
            botwatch.message(user_id="alice", text=text)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""

TASKS = """
import os, botwatch
from celery import Celery
folder = os.environ["BROKER"]
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder},
    worker_max_tasks_per_child=7, worker_hijack_root_logger=False,
)
botwatch.start(linger_s=0.05, retry_s=0.05, adopt_s=0.1)
@app.task
def work(text):
    botwatch.message(user_id="alice", text=text)
"""


@pytest.fixture(scope="session")
def python() -> Path:
    return python_with("celery", "gunicorn[gevent]", "uvicorn")


@pytest.fixture
def launch(python: Path, collector: CollectorDouble, tmp_path: Path) -> Iterator[Launch]:
    """Starts `python ARGUMENTS` in a folder with the program as bot.py; ended with its children at last."""
    processes: list[subprocess.Popen[str]] = []

    def launch(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        (tmp_path / "bot.py").write_text(program)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOTWATCH_")}
        ours = {"BOTWATCH_URL": collector.url, "BOTWATCH_TOKEN": TOKEN}
        process = subprocess.Popen(
            [str(python), *arguments],
            cwd=tmp_path,
            env=inherited | ours | {"BOTWATCH_SPOOL": str(tmp_path / "spool")} | environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield launch
    for process in processes:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                wait_until(lambda process=process: process.poll() is not None)
        process.communicate()


def wait_until(condition: Callable[[], object], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ask(port: int, text: str) -> int:
    """The process that answered; asked again while nobody listens, never after a message was taken."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return int(requests.get(f"http://127.0.0.1:{port}/", params=text, timeout=30).text)
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def ask_all(port: int, workers: int) -> set[int]:
    """Sends every message, and waits until each worker has answered: one that still starts misses signals."""
    texts = [f"message {number}" for number in range(MESSAGES)]
    with ThreadPoolExecutor(6) as pool:
        pids = set(pool.map(ask, [port] * MESSAGES, texts))
        while len(pids) < workers:
            pids |= set(pool.map(ask, [port] * 6, [""] * 6))
    return pids


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)


def everything_arrives_once(start: Start, collector: CollectorDouble) -> None:
    """What the ended processes could not send is sent by the next that starts."""
    heir = start()
    collector.wait_for(lambda: len(collector.events()) >= MESSAGES, 30)
    assert heir.flush(20)
    assert sorted(collector.texts()) == EXPECTED


@pytest.mark.parametrize("preload", [["--preload"], []])
@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_gunicorn(
    launch: Launch, start: Start, collector: CollectorDouble, worker: str, preload: list[str]
) -> None:
    port = free_port()
    process = launch(
        WSGI_APP, "-m", "gunicorn", *preload, "-w", "2", "-k", worker, "-b", f"127.0.0.1:{port}", "bot:app"
    )
    assert process.pid not in ask_all(port, workers=2)
    ended(process)
    everything_arrives_once(start, collector)


def test_gunicorn_worker_is_killed(launch: Launch, start: Start, collector: CollectorDouble) -> None:
    port = free_port()
    process = launch(WSGI_APP, "-m", "gunicorn", "--preload", "-w", "1", "-b", f"127.0.0.1:{port}", "bot:app")
    for number in range(MESSAGES):
        worker = ask(port, f"message {number}")
        if number % 20 == 10:
            psutil.Process(worker).kill()
            wait_until(lambda worker=worker: not psutil.pid_exists(worker))
    ended(process)
    everything_arrives_once(start, collector)


def test_uvicorn_workers(launch: Launch, start: Start, collector: CollectorDouble) -> None:
    port = free_port()
    process = launch(
        ASGI_APP, "-m", "uvicorn", "--workers", "2", "--port", str(port), "--log-level", "error", "bot:app"
    )
    assert process.pid not in ask_all(port, workers=2)
    ended(process)
    everything_arrives_once(start, collector)


def test_celery_prefork(launch: Launch, start: Start, collector: CollectorDouble, tmp_path: Path) -> None:
    """With workers that are replaced after some tasks."""
    (tmp_path / "broker").mkdir()
    broker = {"BROKER": str(tmp_path / "broker")}
    worker = launch(
        TASKS,
        *("-m", "celery", "-A", "bot", "worker", "--pool", "prefork", "--concurrency", "2"),
        *("--loglevel", "ERROR", "--without-gossip", "--without-mingle"),
        **broker,
    )
    send = "import bot\nfor number in range(60): bot.work.delay(f'message {number}')"
    assert launch(TASKS, "-c", send, **broker).wait(60) == 0
    collector.wait_for(lambda: len(collector.events()) >= MESSAGES, 60)
    ended(worker)
    everything_arrives_once(start, collector)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import botwatch, gevent, time
botwatch.start(linger_s=0.05, retry_s=0.05, heartbeat_s=0.1, sample_s=0.1)
longest_s, is_over = 0, False
def tick():
    global longest_s
    while not is_over:
        before = time.monotonic()
        gevent.sleep(0.01)
        longest_s = max(longest_s, time.monotonic() - before)
def talk(number):
    gevent.sleep(0.001 * number)
    botwatch.message(user_id="alice", text=f"message {number}")
ticker = gevent.spawn(tick)
gevent.joinall([gevent.spawn(talk, number) for number in range(60)])
assert botwatch.flush(30)
gevent.sleep(1)
is_over = True
ticker.join()
print(longest_s)
"""

REPLY_S = 2.0


@pytest.mark.parametrize("first", ["from gevent import monkey", "import botwatch"])
def test_gevent(launch: Launch, start: Start, collector: CollectorDouble, first: str) -> None:
    """Patched before the agent is imported, and after: other greenlets run on while it waits."""
    collector.answer = lambda request: time.sleep(REPLY_S)  # type: ignore[func-returns-value]
    process = launch(f"{first}\n{GEVENT}", "bot.py")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert float(output) < REPLY_S / 2
    collector.answer = lambda request: None
    everything_arrives_once(start, collector)
