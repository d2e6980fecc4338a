"""The archive: what retention removes, on disk before it leaves, and fit to be sent again."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from botwatch_collector import models, retention
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config, Keep, Limits
from botwatch_collector.ingest import decode

from .server import Server
from .streams import add_bots
from .test_retention import NOW, put

REPLAY = str(Path(sys.executable).with_name("botwatch"))
OLD = NOW - 100 * DAY


@pytest.fixture
def config(database: None, tmp_path: Path) -> Config:
    add_bots("shop")
    return Config(database="sqlite:///unused", archive=tmp_path / "archive", keep=Keep())


def prune(config: Config) -> int:
    return sum(step.rows for step in retention.prune(config, NOW, rest=lambda _: None))


def archived(config: Config, kind: str) -> Iterator[dict[str, Any]]:
    assert config.archive is not None
    for path in sorted((config.archive / "shop").glob(f"{kind}-*.ndjson.gz")):
        with gzip.open(path) as lines:
            yield from map(json.loads, lines)


def test_what_leaves_is_in_the_archive_as_it_was_sent(config: Config) -> None:
    sent = {
        "id": "mine", "direction": "in", "text": "Grüße \u0001\n", "user_id": "zoë",
        "user_name": "Zoë", "channel": "c", "attributes": {"city": "Köln", "n": 1.5},
    }  # fmt: skip
    put("message", 7, received=OLD, **sent)
    put("activity", 8, received=OLD, user_id="zoë", details={"to": [1, None]})
    put("check", 9, received=OLD, latency_ms=1.25)
    put("message", NOW)

    prune(config)

    assert list(archived(config, "message")) == [{"kind": "message", "ts": 7, "received_at": OLD} | sent]
    (activity,) = archived(config, "activity")
    assert activity["details"] == {"to": [1, None]} and activity["ts"] == 8
    (check,) = archived(config, "check")
    assert (check["name"], check["status"], check["latency_ms"]) == ("database", "ok", 1.25)


def test_archive_is_what_the_collector_accepts(config: Config) -> None:
    for kind in ("message", "activity", "check"):
        put(kind, *range(60), received=OLD)

    prune(config)

    for kind in ("message", "activity", "check"):
        lines = [json.dumps(event) for event in archived(config, kind)]
        body = "\n".join(['{"v":1,"instance":"again"}', *lines]).encode()
        assert len(decode.batch(body, "", Limits()).events) == 60


def test_row_stays_until_the_archive_has_it(config: Config) -> None:
    put("message", 1, 2, received=OLD)
    assert config.archive is not None
    config.archive.write_text("a file where the folder should be")

    with pytest.raises(OSError, match="archive"):
        prune(config)

    assert models.Message.select().count() == 2


def test_interrupted_between_archive_and_database_loses_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("message", 1, 2, received=OLD)

    def fail(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(import_module("botwatch_collector.retention.prune"), "_remove", fail)
        prune(config)
    prune(config)

    found = [event["id"] for event in archived(config, "message")]
    assert len(found) == 4 and len(set(found)) == 2


def test_full_disk_leaves_whole_files(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    put("message", *range(100), received=OLD)
    steps = retention.prune(config, NOW, rest=lambda _: None)
    first = next(steps)
    write = os.write

    def write_some(file: int, data: bytes) -> int:
        if len(data) < 8:
            raise OSError(28, "No space left on device")
        return write(file, data[:5])

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "write", write_some)
        next(steps)

    assert len(list(archived(config, "message"))) == first.rows
    assert models.Message.select().count() == 100 - first.rows


def test_archive_is_replayed_to_another_collector_once(config: Config, tmp_path: Path) -> None:
    put("message", *range(1_000, 1_040), received=OLD, text=None, user_id=None)
    put("message", *range(2_000, 2_040), received=OLD, attributes={f"key{n}": n for n in range(32)})
    prune(config)
    assert config.archive is not None
    files = list((config.archive / "shop").glob("message-*"))

    with Server(f"sqlite:///{tmp_path}/other.db", workers=1) as other:
        token = other.add_bot("again")
        for _ in range(2):
            for file in files:
                command = [REPLAY, "replay", str(file), "--max", "--url", other.url, "--token", token]
                subprocess.run([*command, "--spool", str(tmp_path / "spool")], check=True, timeout=120)
    with closing(sqlite3.connect(tmp_path / "other.db")) as stored:
        found = [at for (at,) in stored.execute("SELECT occurred_at FROM message")]
    assert sorted(found) == [*range(1_000, 1_040), *range(2_000, 2_040)]
