"""Fixtures of the end-to-end tests: real collectors, real agents, real chats."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import BACKENDS


@pytest.fixture(scope="module", params=BACKENDS)
def module_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Like `database_url`, shared by the tests of a module."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("module") / "botwatch.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    name = f"module_{uuid.uuid4().hex}"
    yield server.create(name, template="template")
    server.drop(name)


@pytest.fixture(scope="session")
def chat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chats")
