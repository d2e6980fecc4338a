"""Collectors behind a real PgBouncer in transaction mode."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from botwatch_collector import clock, db, migrations, models, partitions
from botwatch_collector.clock import DAY

from ..postgres import PostgresServer
from .pgbouncer import pgbouncer
from .posting import post
from .server import Server
from .streams import InBackground, Stream
from .test_backup import everything, using

PoolUrl = Callable[[str], str]


@pytest.fixture(scope="module")
def pool(postgres: PostgresServer) -> Iterator[PoolUrl]:
    with pgbouncer(postgres) as url:
        yield url


@pytest.fixture
def names(postgres: PostgresServer) -> Iterator[list[str]]:
    """Of two databases without tables."""
    made = [f"pooled_{uuid.uuid4().hex}" for _ in range(2)]
    for name in made:
        postgres.create(name)
    yield made
    for name in made:
        postgres.drop(name)


def test_collectors_work_as_without_it(pool: PoolUrl, names: list[str], tmp_path: Path) -> None:
    first, second = (Server(pool(names[0]), workers=1) for _ in range(2))
    # Both lay the schema.
    starts = [InBackground(server.start) for server in (first, second)]
    try:
        for start in starts:
            start.result()
        token, read = first.add_bot("shop"), {"Authorization": f"Bearer {first.add_read_token()}"}
        with requests.get(
            f"{second.url}/debug/message-stream", headers=read, stream=True, timeout=60
        ) as reply:
            stream = Stream(reply.iter_content(None))
            stream.take()
            senders = [
                InBackground(send, server.url, token, f"sender-{number}")
                for number, server in enumerate((first, second) * 3)
            ]
            seen = stream.texts(300)
        for sender in senders:
            sender.result()

        assert sorted(seen) == sorted([str(seq) for seq in range(1, 51)] * 6)
        answers = [
            requests.get(f"{server.url}/api/analytics/overview", headers=read, timeout=60).json()
            for server in (first, second)
        ]
        assert [answer["messages"]["total"] for answer in answers] == [300, 300]

        file = str(tmp_path / "backup.gz")
        first.command("backup", file)
        Server(pool(names[1])).command("restore", file)
        first.command("prune")
    finally:
        for server in (first, second):
            server.kill9()
    assert rows(pool(names[1]))["Message"] == rows(pool(names[0]))["Message"]
    assert len(rows(pool(names[1]))["Message"]) == 300


def send(url: str, token: str, instance: str) -> None:
    for first in range(1, 51, 10):
        post(url, token, first, 10, instance=instance)


def rows(url: str) -> dict[str, list[str]]:
    with using(url):
        return everything()


def test_many_lay_the_schema_and_make_months_at_once(pool: PoolUrl, names: list[str]) -> None:
    def start() -> list[str]:
        with db.connected():
            applied = migrations.bring_up_to_date()
            partitions.prepare(clock.now() + 100 * DAY)
            return [migration.title for migration in applied]

    with using(pool(names[0])):
        starts = [InBackground(start) for _ in range(6)]
        applied = [title for one in starts for title in one.result()]

        assert sorted(applied) == [migration.title for migration in migrations.available()]
        assert models.Message.select().count() == 0
        assert len(partitions.months("message")) >= 3
