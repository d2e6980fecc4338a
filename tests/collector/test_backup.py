"""Backup and restore: every row and every answer, from either database to either, while others write."""

import gzip
import io
import json
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from botwatch_collector import backup, clock, db, models, partitions, rollups
from botwatch_collector.errors import BackupError, SchemaError
from botwatch_collector.ingest.store import store

from ..conftest import BACKENDS
from . import first_schema
from .databases import using
from .server import COMMAND, Server
from .test_rollups import some_messages, tables
from .test_store import NOW, batch, message

QUESTIONS = (
    "/api/analytics/overview?from=2024-02-20&to=2024-03-20",
    "/api/analytics/timeline?from=2024-02-20&to=2024-03-20&bucket=hour&tz=Asia/Kolkata",
    "/api/analytics/users?from=2024-02-20&to=2024-03-20",
    "/api/analytics/heatmap?from=2024-02-20&to=2024-03-20&tz=Europe/Berlin",
    "/api/monitoring/export?format=ndjson&from=2024-02-20&to=2024-03-20",
    "/api/messages?q=hello&direction=in&limit=500",
)


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server, name = request.getfixturevalue("postgres"), f"empty_{uuid.uuid4().hex}"
    yield server.create(name)
    server.drop(name)


def fill() -> None:
    models.Bot.create(name="alpha", created_at=1)
    models.Account.create(username="alice", password_hash="x", role="admin", created_at=1)
    models.Setting.create(name="secret_key", value="00ff")
    hostile = 'tab\t "quotes" \\N \\ back\nnewline \u2028 🎉 <b>'
    for start in range(0, 600, 100):
        store([batch(*some_messages(5)[start : start + 100])])
    store([
        batch(message(id="mine", text=hostile, attributes={hostile: 0.1}), instance="two"),
        batch(
            {"kind": "sample", "seq": 1, "ts": 5, "cpu_percent": 1e-9, "memory_bytes": 2**62},
            {"kind": "heartbeat", "seq": 2, "ts": 5, "stopping": True, "losses": {"age": 3}},
            {"kind": "activity", "seq": 3, "ts": 5, "action": "x", "details": {"a": [None, {}]}},
            {"kind": "check", "seq": 4, "ts": 5, "name": "api", "status": "ok"},
            instance="three",
        ),
    ])  # fmt: skip


def everything() -> dict[str, list[Any]]:
    """Every row of every table, as Python values that are the same from both databases."""
    return {
        table.__name__: sorted((json.dumps(row, sort_keys=True) for row in table.select().dicts()), key=str)
        for table in models.TABLES
    }


def saved() -> bytes:
    out = io.BytesIO()
    backup.save(out, NOW)
    return out.getvalue()


def restored(content: bytes) -> dict[str, int]:
    return backup.restore(io.BytesIO(content))


def changed(content: bytes, change: Callable[[list[Any]], list[Any]]) -> bytes:
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in change(lines)))


def test_every_row_comes_back(database_url: str, empty_url: str) -> None:
    with using(database_url):
        fill()
        before, content = everything(), saved()

    with using(empty_url):
        counts = restored(content)

        assert everything() == before
        assert sum(counts.values()) == sum(len(rows) for rows in before.values())


def test_restored_collector_goes_on(database_url: str, empty_url: str) -> None:
    with using(database_url):
        fill()
        content = saved()

    with using(empty_url):
        restored(content)
        last_id = models.EventSequence.get().reserved_id

        # What it has is known to it, and what is new follows.
        assert store([batch(*some_messages(5)[:100])])[0].stored == 0
        assert store([batch(message(id="mine"), message(id="new"), instance="new")])[0].stored == 1
        assert models.Message.get(models.Message.event_id == "new").id > last_id
        assert models.Bot.create(name="beta", created_at=1).id > 1
        before = tables()
        rollups.rebuild()
        assert tables() == before


def test_backup_under_writes_is_of_one_moment(database_url: str, empty_url: str) -> None:
    with using(database_url):
        fill()
        enough, done = threading.Event(), threading.Event()

        def write() -> None:
            with db.connected():
                for seq in range(1, 100_000):
                    store([batch(message(3 * seq), message(3 * seq + 1), instance="writer")])
                    if seq == 20:
                        enough.set()
                    if done.is_set():
                        return

        writer = threading.Thread(target=write)
        writer.start()
        assert enough.wait(30)
        contents = [saved() for _ in range(3)]
        done.set()
        writer.join()
        everywhere = {row.id: row.text for row in models.Message.select()}

    with using(empty_url):
        restored(contents[1])
        last_id = models.EventSequence.get().reserved_id
        assert last_id < max(everywhere)
        events = (models.Message, models.Sample, models.Heartbeat, models.Activity, models.CheckResult)
        ids = [row.id for model in events for row in model.select()]
        assert sorted(ids) == [*range(1, last_id + 1)]
        assert {row.id: row.text for row in models.Message.select()}.items() <= everywhere.items()
        before = tables()
        rollups.rebuild()
        assert tables() == before


def test_restored_server_gives_the_same_answers(database_url: str, empty_url: str, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.gz")
    with Server(database_url, workers=1) as server:
        server.add_bot("alpha")
        token = server.add_read_token()
        with using(database_url):
            for start in range(0, 600, 100):
                store([batch(*some_messages(5)[start : start + 100])])
        before = answers(server, token)
        server.command("backup", file)

    other = Server(empty_url, workers=1)
    other.command("restore", file)
    with other:
        assert answers(other, token) == before
        assert Path(file).stat().st_mode & 0o777 == 0o600


def answers(server: Server, token: str) -> list[str]:
    headers = {"Authorization": f"Bearer {token}"}
    replies = [requests.get(server.url + question, headers=headers, timeout=30) for question in QUESTIONS]
    assert [reply.status_code for reply in replies] == [200] * len(QUESTIONS)
    return [reply.text for reply in replies]


def test_full_database_is_left_as_it_is(database: None) -> None:
    fill()
    content, before = saved(), everything()

    with pytest.raises(BackupError, match="not empty"):
        restored(content)

    assert everything() == before


def lines_changed(change: Callable[[list[Any]], list[Any]]) -> Callable[[bytes], bytes]:
    return lambda content: changed(content, change)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "no gzip": lambda content: b"hello" + content,
    "bit": lambda content: content[:-300] + bytes([content[-300] ^ 1]) + content[-299:],
    "nothing": lambda content: b"",
    "without its end": lines_changed(lambda lines: lines[:-1]),
    "row lost": lines_changed(lambda lines: lines[:-200] + lines[-199:]),
    "other file": lines_changed(lambda lines: [{"v": 1}, *lines]),
    "other table": lines_changed(lambda lines: [lines[0], {"table": "x; y", "columns": []}]),
    "other column": lines_changed(lambda lines: [lines[0], {"table": "bot", "columns": ["x"]}]),
    "other form": lines_changed(lambda lines: [lines[0] | {"botwatch_backup": 9}]),
    "rows first": lines_changed(lambda lines: [lines[0], [1, "x", 1]]),
}


def test_damaged_backup_restores_nothing(sqlite_template: Path, empty_url: str, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "source.db")
    with using(f"sqlite:///{tmp_path}/source.db"):
        fill()
        content = saved()

    with using(empty_url):
        for name, damage in DAMAGES.items():
            with pytest.raises(BackupError):
                restored(damage(content))
                pytest.fail(name)

        # And the whole one can be restored after them.
        assert restored(content)["bot"] == 1


def test_backup_of_a_newer_schema_is_refused(database: None) -> None:
    content = changed(saved(), lambda lines: [lines[0] | {"schema": 9000}, *lines[1:]])

    with pytest.raises(SchemaError, match="schema 9000"):
        restored(content)


def test_older_backup_is_brought_up_to_date(empty_url: str) -> None:
    lines: list[Any] = [{"botwatch_backup": 1, "schema": 1, "taken_at": clock.now()}]
    counts = {}
    for table, (columns, rows) in first_schema.ROWS.items():
        lines += [{"table": table, "columns": columns.split(", ")}, *rows]
        counts[table] = len(rows)
    content = changed(gzip.compress(b""), lambda _: [*lines, {"end": counts}])

    with using(empty_url):
        restored(content)

        assert models.Message.get(models.Message.id == 1).text == "hello"
        assert models.Job.select().count() == models.Activity.select().count() == 0


def test_every_table_is_saved(database: None) -> None:
    """Asked of the database itself, so that a table without a model fails."""
    with gzip.open(io.BytesIO(saved())) as lines:
        heads = [line for line in map(json.loads, lines) if isinstance(line, dict)]
    named = {head["table"] for head in heads if "table" in head}

    # The search index can be made again.
    index = {name for name in db.database.get_tables() if name.startswith("message_index")}
    whole = {*db.database.get_tables()} - partitions.names() - index
    assert whole - named == {"migration", "migration_step"}


def test_backup_leaves_a_file_alone_that_is_there(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    environment = Server(database_url).environment

    def run(*arguments: str) -> str:
        command = [*COMMAND, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        return done.stderr

    assert "a file of that name already" in run("backup", str(tmp_path / "taken"))
    assert (tmp_path / "taken").read_text() == "mine"
    assert "No such file" in run("backup", str(tmp_path / "nowhere" / "file"))
    assert "No such file" in run("restore", str(tmp_path / "nothing"))
    assert "damaged or not whole" in run("restore", str(tmp_path / "taken"))
