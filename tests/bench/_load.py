"""A load of batches for the ingest benchmark: packed beforehand, sent by another process."""

import gzip
import json
import multiprocessing
import random
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from multiprocessing.connection import Connection

PEOPLE = 5_000
WORDS = ["hello", "can", "you", "help", "me", "with", "my", "order", "please", "thank", "the", "bot", "will"]


@dataclass(frozen=True)
class Load:
    """`rate` is batches a second over all connections; None is as fast as answers come."""

    url: str
    token: str
    batches: int
    size: int
    connections: int
    rate: float | None = None


@dataclass(frozen=True)
class Sent:
    """`stored` is what the answers say; `delays_s` of each batch, counted from when it was due."""

    seconds: float
    stored: int
    delays_s: list[float]


def send(load: Load) -> Sent:
    """The time counts from when all batches are packed."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    sender = spawning.Process(target=_run, args=(load, theirs))
    sender.start()
    theirs.close()
    sent: Sent = ours.recv()
    sender.join()
    return sent


def _run(load: Load, answer: Connection) -> None:
    share = load.batches // load.connections
    packed = [_batches(number, share, load.size) for number in range(load.connections)]
    delays: list[float] = []
    stored: list[int] = []
    began = time.monotonic()

    def one(number: int) -> None:
        connection = HTTPConnection(load.url.removeprefix("http://"))
        for turn, body in enumerate(packed[number]):
            due = time.monotonic()
            if load.rate:
                due = began + (turn * load.connections + number) / load.rate
                time.sleep(max(0.0, due - time.monotonic()))
            stored.append(_post(connection, load.token, body))
            delays.append(time.monotonic() - due)
        connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(load.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.send(Sent(time.monotonic() - began, sum(stored), delays))


def _post(connection: HTTPConnection, token: str, body: bytes) -> int:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
    }
    connection.request("POST", "/api/events", body, headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status == 503:
        # More of the connections than are one bot's share have met at the same worker.
        time.sleep(float(reply.headers["Retry-After"]))
        return _post(connection, token, body)
    if reply.status != 200:
        raise SystemExit(f"the collector answered {reply.status}: {text!r}")
    return int(json.loads(text)["stored"])


def _batches(number: int, count: int, size: int) -> list[bytes]:
    rng = random.Random(number)
    instance = f"bench-{number}-{time.time_ns()}"
    return [_packed(rng, instance, turn * size, size) for turn in range(count)]


def _packed(rng: random.Random, instance: str, before: int, size: int) -> bytes:
    header = {
        "v": 1,
        "instance": instance,
        "bot": "bench",
        "host": "bench",
        "pid": 1,
        "first_seq": before + 1,
    }
    lines = [header, *(message(rng, before + place + 1) for place in range(size))]
    return gzip.compress("\n".join(map(json.dumps, lines)).encode(), 1)


def message(rng: random.Random, seq: int) -> dict[str, object]:
    """Half of them replies with their times; few users write most."""
    user = int(PEOPLE * rng.random() ** 2.5)
    common = {
        "kind": "message",
        "ts": time.time_ns() // 1_000_000,
        "seq": seq,
        "user_id": f"user-{user}",
        "user_name": f"User {user}",
        "channel": "private",
        "text": " ".join(rng.choices(WORDS, k=rng.randint(3, 20))),
    }
    if seq % 2:
        return common | {"direction": "in"}
    took = round(rng.lognormvariate(6, 1))
    return common | {"direction": "out", "response_ms": took, "wait_ms": took + 40}
