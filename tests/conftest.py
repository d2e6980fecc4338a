"""Real databases for every test: a SQLite file, and a PostgreSQL server started for the session."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from botwatch_collector import db

from .collector.server import Server
from .collector.streams import let_streams_end
from .leases import Leases
from .postgres import PostgresServer

pytest_plugins = ["tests.required_tools", "tests.watchdog"]

BACKENDS = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=4, help="how many processes die in each test under kill -9")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer.start()
    try:
        migrate(server.create("template"))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def leases(postgres: PostgresServer) -> Leases:
    return Leases(postgres)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database with the current schema, once on SQLite and once on PostgreSQL."""
    with new_database(request, tmp_path) as url:
        yield url


@pytest.fixture(scope="module", params=BACKENDS)
def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same, for all tests of a file together."""
    with new_database(request, tmp_path_factory.mktemp("shared")) as url:
        yield url


@contextmanager
def new_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Of the kind that is the fixture's parameter."""
    if request.param == "sqlite":
        path = folder / "botwatch.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    leases = request.getfixturevalue("leases")
    name = leases.take()
    yield request.getfixturevalue("postgres").url(name)
    leases.give_back(name)


@pytest.fixture
def database(database_url: str) -> Iterator[None]:
    """The models bound to a new database, with a connection open in the test's own thread."""
    opened = db.connect(database_url)
    with db.connected():
        yield
    let_streams_end()
    opened.close_all()


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    """A running collector with two workers, on a new database."""
    with Server(database_url) as running:
        yield running


def migrate(url: str) -> None:
    """Lay the schema in a process of its own, so that no connection stays behind here."""
    script = (
        "import sys; from botwatch_collector import db, migrations; db.connect(sys.argv[1])\n"
        "with db.connected(): migrations.bring_up_to_date()\n"
        "db.database.close_all()"
    )
    subprocess.run([sys.executable, "-c", script, url], check=True, env=dict(os.environ))
