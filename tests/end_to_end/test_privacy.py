"""What the agent takes out of a text is in no byte of its spool, and in none of the collector's database."""

import shutil
from pathlib import Path

import requests

from botwatch import Agent

from ..collector.server import Server

SECRETS = (
    "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
    "4111 1111 1111 1111",
    "alice@example.org",
    "Bearer abcdefghijklmnopqrstuvwxyz",
    "postgresql://bot:geheim@host/chats",
)


def test_secrets_are_in_neither_spool_nor_database(sqlite_template: Path, tmp_path: Path) -> None:
    database, spool = tmp_path / "collector" / "botwatch.db", tmp_path / "spool"
    database.parent.mkdir()
    shutil.copy(sqlite_template, database)
    with Server(f"sqlite:///{database}", workers=1) as server:
        agent = Agent().start(
            server.url,
            server.add_bot("shop"),
            spool_dir=spool,
            privacy={"user_id": "hash"},
            privacy_key="k" * 16,
        )
        for secret in SECRETS:
            agent.message(user_id="user-4711", text=f"look: {secret} <b>", attributes={"note": secret})
        in_spool = bytes_in(spool)
        assert agent.flush(30)
        agent.stop()
        stored = stream(server)
        in_database = bytes_in(database.parent)

    assert in_spool.count(b'"kind":"message"') == stored.count('"kind":"message"') == len(SECRETS)
    assert in_database.count(b" <b>") >= len(SECRETS), "the search would find a text that is there"
    for secret in ("user-4711", *SECRETS):
        assert secret.encode() not in in_spool
        assert secret.encode() not in in_database
        assert secret not in stored


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def stream(server: Server) -> str:
    """The frames of all messages."""
    headers = {"Authorization": f"Bearer {server.add_read_token()}", "Last-Event-ID": "0"}
    with requests.get(
        f"{server.url}/debug/message-stream", headers=headers, stream=True, timeout=60
    ) as answer:
        frames = (line for line in answer.iter_lines(decode_unicode=True) if line.startswith("data: "))
        return "\n".join(next(frames) for _ in SECRETS)
