"""What the collector takes in through HTTP, beside two floors in the same run.

    ./dev bench ingest [--database sqlite|postgresql] [--messages 300000] [--size 500]
                       [--filled ROWS] [--minutes N] [--kills N]

Everything is durable and deduplicated when it is answered, and rolled up when the time ends. The floors:
gunicorn with a view that only decodes, and a bare loop of sqlite3's executemany into one table without an
index, a transaction for each batch. Load generator and server share the machine.

--filled measures the same again on a database of so many messages; --minutes goes on under load and looks
at the memory of the collector; --kills measures how soon it answers after kill -9 of all its processes.
"""

import argparse
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from botwatch_collector import clock, db, migrations, rollups

from ..collector.server import Server
from ..postgres import PostgresServer
from ._history import fill
from ._load import Load, Sent, message, send

CONNECTIONS = 16
AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}  # pip compiles what it installs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--size", type=int, default=500, help="messages in a batch")
    parser.add_argument("--filled", type=int, default=0, help="messages in the database of a second run")
    parser.add_argument("--minutes", type=float, default=0, help="how long to look at the memory under load")
    parser.add_argument("--kills", type=int, default=0, help="how often to kill and start the collector")
    asked = parser.parse_args()
    batches = asked.messages // asked.size // CONNECTIONS * CONNECTIONS

    decoding, _ = measure_decoding(batches, asked.size)
    bare = rate_of_bare_inserts(asked.messages, asked.size)
    with database(asked.database) as url, Server(url, AS_INSTALLED) as server:
        token = server.add_bot("bench")
        warm = Load(server.url, token, CONNECTIONS, asked.size, CONNECTIONS)
        send(warm)
        sent, cpu_s = measured(
            server.pid,
            lambda: counted(url, send(Load(server.url, token, batches, asked.size, CONNECTIONS))),
        )
        ours = sent.stored / sent.seconds
        half = ours / asked.size / 2
        calm, _ = measured(
            server.pid,
            lambda: send(
                Load(server.url, token, max(batches // 4, CONNECTIONS), asked.size, CONNECTIONS, half)
            ),
        )
        memory_mb = memory_of(server.pid)
        lasting = memory_under_load(server, token, asked.size, asked.minutes)
        revivals = [revived_after_s(server) for _ in range(asked.kills)]
    print(f"{asked.database}, batches of {asked.size}, {CONNECTIONS} connections, {sent.stored:,} messages")
    print(f"durable, through HTTP      {ours:10,.0f} messages/s")
    print(f"  of only decoding         {ours / decoding:10.2f}   ({decoding:,.0f}/s)")
    print(f"  of bare executemany      {ours / bare:10.2f}   ({bare:,.0f}/s)")
    print(
        f"CPU per 100,000 messages   {cpu_s / sent.stored * 100_000:10.2f} s, all processes of the collector"
    )
    print(f"a batch at half that load  p50 {percentile(calm, 50):.1f} ms, p99 {percentile(calm, 99):.1f} ms")
    print(f"memory afterwards          {memory_mb:10.0f} MB, all processes of the collector")
    if lasting:
        course = (
            f"{lasting[0]:10.0f} MB at first, {lasting[len(lasting) // 2]:.0f} after half of them, "
            f"{lasting[-1]:.0f} at last, {max(lasting):.0f} at most"
        )
        print(f"  in {asked.minutes:g} minutes of load    {course}")
    if revivals:
        median_s = statistics.median(revivals)
        print(f"answers after kill -9      {median_s:10.2f} s, {max(revivals):.2f} at most")
    if asked.filled:
        filled = rate_when_filled(asked.database, asked.filled, batches, asked.size)
        print(f"after {asked.filled:,} rows     {filled:10,.0f} messages/s, {filled / ours:.2f} of empty")


def rate_when_filled(kind: str, rows: int, batches: int, size: int) -> float:
    """Messages a second into a database that has so many."""
    with database(kind) as url:
        db.connect(url)
        with db.connected():
            migrations.bring_up_to_date()
            fill(rows, clock.now())
        db.database.close_all()
        with Server(url) as server:
            # That of the messages; it sends no more of them.
            token = server.command("token", "add", "--scope", "ingest", "--bot", "bench")
            send(Load(server.url, token, CONNECTIONS, size, CONNECTIONS))
            sent = counted(url, send(Load(server.url, token, batches, size, CONNECTIONS)))
            return sent.stored / sent.seconds


def memory_under_load(server: Server, token: str, size: int, minutes: float) -> list[float]:
    """In MB, every few seconds. Two senders, so that one sends while the other packs."""
    deadline, ended = time.monotonic() + 60 * minutes, threading.Event()

    def load() -> None:
        while not ended.is_set():
            send(Load(server.url, token, 10 * CONNECTIONS, size, CONNECTIONS // 2))

    senders = [threading.Thread(target=load) for _ in range(2)] if minutes else []
    for sender in senders:
        sender.start()
    found = []
    while time.monotonic() < deadline:
        time.sleep(min(5.0, 10 * minutes))
        found.append(memory_of(server.pid))
    ended.set()
    for sender in senders:
        sender.join()
    return found


def revived_after_s(server: Server) -> float:
    """From the new start, which is told to come at once, to the first answer of /readyz."""
    server.kill9()
    began = time.monotonic()
    server.restart()
    return time.monotonic() - began


def memory_of(pid: int) -> float:
    """What is not shared, of all processes together, in MB."""
    return sum(one.memory_full_info().uss for one in family(pid)) / 1e6


@contextmanager
def database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="botwatch-bench-") as folder:
            yield f"sqlite:///{folder}/botwatch.db"
    else:
        server = PostgresServer.start(durable=True)
        try:
            yield server.create("bench")
        finally:
            server.stop()


def family(pid: int) -> list[psutil.Process]:
    master = psutil.Process(pid)
    return [master, *master.children(recursive=True)]


def measured(pid: int, work: Callable[[], Sent]) -> tuple[Sent, float]:
    """The outcome, and the CPU seconds that the server used; and this process, which counts what waits."""

    def used_s() -> float:
        return sum(sum(one.cpu_times()[:2]) for one in family(pid)) + time.process_time()

    before_s = used_s()
    outcome = work()
    return outcome, used_s() - before_s


def measure_decoding(batches: int, size: int) -> tuple[float, float]:
    """Messages a second of the view that only decodes, under the collector's kind and number of workers."""
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "gthread"]
    options = ["--workers", "2", "--threads", "32", "--no-control-socket", "tests.bench._decode_only:app"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as server:
        try:
            url = address_of(server)
            send(Load(url, "none", CONNECTIONS, size, CONNECTIONS))
            sent, cpu_s = measured(server.pid, lambda: send(Load(url, "none", batches, size, CONNECTIONS)))
        finally:
            server.terminate()
            server.communicate()
    return sent.stored / sent.seconds, cpu_s


def address_of(server: "subprocess.Popen[str]") -> str:
    assert server.stderr is not None
    for line in server.stderr:
        if "Listening at: " in line:
            return line.split("Listening at: ")[1].split()[0]
    raise SystemExit("gunicorn did not start")


def rate_of_bare_inserts(messages: int, size: int) -> float:
    rng = random.Random(1)
    columns = ("ts", "seq", "user_id", "user_name", "channel", "text", "direction", "response_ms", "wait_ms")
    rows = [
        tuple(made.get(name) for name in columns)
        for made in (message(rng, seq) for seq in range(1, messages + 1))
    ]
    marks = ", ".join("?" * len(columns))
    with tempfile.TemporaryDirectory(prefix="botwatch-bench-") as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"CREATE TABLE message (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        began = time.monotonic()
        for first in range(0, messages, size):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                f"INSERT INTO message ({', '.join(columns)}) VALUES ({marks})",
                rows[first : first + size],
            )
            connection.execute("COMMIT")
        took = time.monotonic() - began
        connection.close()
    return messages / took


def counted(url: str, sent: Sent) -> Sent:
    """With the time until the rollups have all of it too, as it takes a reader who comes then."""
    began = time.monotonic()
    db.connect(url)
    with db.connected():
        rollups.catch_up()
    db.database.close_all()
    return replace(sent, seconds=sent.seconds + time.monotonic() - began)


def percentile(sent: Sent, rank: float) -> float:
    """In milliseconds."""
    ordered = sorted(sent.delays_s)
    return 1_000 * ordered[min(len(ordered) - 1, int(len(ordered) * rank / 100))]


if __name__ == "__main__":
    main()
