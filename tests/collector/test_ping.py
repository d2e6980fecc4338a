"""Jobs that report by an address: what a ping tells, when silence is late and down, who may see the key."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from botwatch_collector import clock, db
from botwatch_collector.access import bots, tokens
from botwatch_collector.clock import HOUR, MINUTE, SECOND
from botwatch_collector.config import Limits
from botwatch_collector.models import Activity, Heartbeat, Token
from botwatch_collector.security import shown_path

from .reading import Reading, reading
from .server import Server

EVERY_S, GRACE_S = 3_600, 600
START = 1_764_000_000_000


@dataclass
class Job:
    """A job called backup, of Alice's bot, at a time that stands still until `after` moves it."""

    api: Reading
    now: int = START
    key: str = ""
    ids: list[int] = field(default_factory=list)

    def ping(self, what: str = "", method: str = "get", **given: Any) -> Any:
        return getattr(self.api.client, method)(f"/ping/{self.key}{what}", **given)

    def after(self, milliseconds: int) -> "Job":
        self.now += milliseconds
        return self

    def state(self) -> tuple[str, str, str | None]:
        """Of the bot, and of the job's check with its message."""
        (bot,) = self.api.json("/api/monitoring/dashboard?bot=alice-bot")["bots"]
        check = bot["checks"].get("backup", {"status": "none", "message": None})
        return bot["state"], check["status"], check["message"]


@pytest.fixture
def job(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    made: list[tuple[Token, str]] = []

    def fill(alice_bot: int, _: int) -> None:
        bot = bots.named("alice-bot")
        times = {"period_s": EVERY_S, "grace_s": GRACE_S}
        made.append(tokens.add("ping", START, bot=bot, name="backup", **times))

    with reading(database_url, fill) as api:
        found = Job(api, key=made[0][1], ids=[made[0][0].id])
        monkeypatch.setattr(clock, "now", lambda: found.now)
        yield found


def activities() -> list[Any]:
    with db.connected():
        return list(Activity.select().order_by(Activity.id))


def test_ping_is_a_heartbeat_and_a_success(job: Job) -> None:
    for method in ("get", "head", "post"):
        reply = job.ping(method=method)
        assert (reply.status_code, reply.text) == (200, "" if method == "head" else "OK\n")

    assert job.state() == ("up", "ok", "succeeded")
    activity = activities()[-1]
    assert len(activities()) == 3
    assert (activity.action, activity.category, activity.status) == ("success", "job", "success")
    assert (activity.entity_type, activity.details) == ("ping", {"job": "backup"})


def test_silence_is_late_after_the_period_and_down_after_the_grace(job: Job) -> None:
    job.ping()

    assert job.after(EVERY_S * SECOND).state()[:2] == ("up", "ok")
    assert job.after(1).state() == ("late", "warn", f"late: no ping since {clock.iso(START)[:19]}Z")
    assert job.after(GRACE_S * SECOND - 1).state()[:2] == ("late", "warn")
    assert job.after(1).state() == ("down", "fail", f"no ping since {clock.iso(START)[:19]}Z")
    assert job.after(100 * 24 * HOUR).state()[:2] == ("down", "fail")
    job.ping()
    assert job.state()[:2] == ("up", "ok")


@pytest.mark.parametrize(
    ("what", "message"), [("/fail", "failed: disk full"), ("/255", "exit status 255: disk full")]
)
def test_failure_shows_with_its_last_line_until_a_success(job: Job, what: str, message: str) -> None:
    job.ping(what, "post", data="copying\ndisk full\n\n")

    assert job.state() == ("up", "fail", message)
    health = job.api.json("/debug/health-quick?bot=alice-bot")
    assert (health["status"], health["checks"]["dependencies"]["backup"]["status"]) == ("degraded", "fail")
    metrics = job.api.ask("/metrics").text
    assert 'botwatch_check_ok{bot="alice-bot",check="backup"} 0' in metrics
    (activity,) = activities()
    assert (activity.severity, activity.status) == ("error", "failure")
    assert activity.details["body"] == "copying\ndisk full\n\n"

    job.after(MINUTE).ping("/0")
    assert job.state() == ("up", "ok", "succeeded")
    assert 'botwatch_check_ok{bot="alice-bot",check="backup"} 1' in job.api.ask("/metrics").text


def test_run_time_is_from_start_to_end(job: Job) -> None:
    job.ping("/start")
    job.after(90 * SECOND).ping("/0")
    job.after(MINUTE).ping()

    assert [(one.action, one.duration_ms) for one in activities()] == [
        ("start", None),
        ("success", 90_000),
        ("success", None),
    ]


def test_runs_that_overlap_are_told_apart(job: Job) -> None:
    job.ping("/start?rid=a")
    job.after(10 * SECOND).ping("/start?rid=b")
    job.after(10 * SECOND).ping("?rid=a")
    job.after(10 * SECOND).ping("/1?rid=b")

    ended = [(one.details["run"], one.duration_ms) for one in activities() if one.action != "start"]
    assert ended == [("a", 20_000), ("b", 20_000)]


def test_run_that_does_not_end_within_the_grace_is_down(job: Job) -> None:
    job.ping("/start")

    assert job.after(GRACE_S * SECOND).state() == ("up", "unknown", "runs for the first time")
    assert job.after(1).state()[:2] == ("down", "fail")


def test_start_of_the_next_run_does_not_hide_that_the_last_failed(job: Job) -> None:
    job.ping("/fail")
    job.after(MINUTE).ping("/start")

    assert job.state()[:2] == ("up", "fail")


def test_job_does_not_keep_a_bot_up_whose_process_is_gone(job: Job) -> None:
    job.ping()
    with db.connected():
        from botwatch_collector.ingest.store import Incoming, store
        from botwatch_collector.ingest.wire import Batch, Header
        from botwatch_collector.ingest.wire import Heartbeat as Sent

        beat = Sent(ts=START, seq=1, interval_s=15)
        store([Incoming(job.api.alice_bot, Batch(Header(v=1, instance="process"), [beat]), START)])
    assert job.state()[:2] == ("up", "ok")

    assert job.after(10 * MINUTE).state()[:2] == ("down", "ok")


def test_revoked_key_is_refused_and_its_job_forgotten(job: Job) -> None:
    job.ping("/fail")
    with db.connected():
        assert tokens.revoke(tokens.named(str(job.ids[0])), job.now)

    assert job.ping().status_code == 404
    assert job.state() == ("never", "none", None)


def test_body_is_kept_up_to_a_limit(job: Job) -> None:
    limit = Limits().ping_body_bytes
    reply = job.ping("/fail", "post", data=b"\xff\0" + b"x" * 20 * limit)

    assert reply.status_code == 200
    (activity,) = activities()
    assert activity.details["body"] == "\ufffd\ufffd" + "x" * (limit - 2)


def test_what_is_unknown_is_refused(job: Job) -> None:
    for what in ("/256", "/-1", "/01", "/stop", "/start/now", "//"):
        assert job.ping(what).status_code == 404
    assert job.ping("?rid=a%20b").status_code == 400
    assert activities() == []


def test_only_ping_keys_ping_and_they_do_nothing_else(job: Job) -> None:
    with db.connected():
        _, ingest = tokens.add("ingest", START, bot=bots.named("alice-bot"))
    replies = [
        job.api.client.get(f"/ping/{key}") for key in (ingest, job.api.alice, tokens.make("ping"), "x")
    ]
    assert [reply.status_code for reply in replies] == [404] * 4
    assert len({reply.text for reply in replies}) == 1

    assert job.api.ask("/api/monitoring/dashboard", job.key).status_code == 403
    headers = {"Authorization": f"Bearer {job.key}", "Content-Type": "application/x-ndjson"}
    assert job.api.client.post("/api/events", headers=headers, data=b"").status_code == 403


def test_pings_are_limited(job: Job) -> None:
    statuses = [job.ping().status_code for _ in range(2 * Limits().pings_per_s)]

    assert statuses[0] == 200
    assert set(statuses) == {200, 429}
    assert job.after(2 * SECOND).ping().status_code == 200


def test_key_is_a_hash_in_the_database(job: Job) -> None:
    job.ping("/start")
    job.ping("/fail", "post", data="x")
    with db.connected():
        rows = [str(row.__data__) for table in (Token, Heartbeat, Activity) for row in table.select()]
    assert len(rows) > 4
    assert not [row for row in rows if job.key[5:] in row]


@pytest.mark.parametrize("path", ["/ping/{}", "/ping/{}/start", "//ping//{}/fail", "/PING/{}"])
def test_key_is_left_out_of_what_is_logged(path: str) -> None:
    assert "secret" not in shown_path(path.format("secret"))
    assert shown_path("/api/events") == "/api/events"


def test_key_from_the_command_line_pings_durably_and_unlogged(server: Server) -> None:
    server.add_bot("shop")
    made = ("token", "add", "--scope", "ping", "--bot", "shop")
    key = server.command(*made, "--name", "backup", "--every", "1h", "--grace", "5m")
    read = {"Authorization": f"Bearer {server.add_read_token()}"}

    assert requests.post(f"{server.url}/ping/{key}/3", data="no space", timeout=30).status_code == 200
    server.kill9()
    server.restart()
    board = requests.get(f"{server.url}/api/monitoring/dashboard", headers=read, timeout=30).json()

    (instance,) = board["bots"][0]["instances"]
    assert instance["state"] == "up"
    assert board["bots"][0]["checks"]["backup"]["message"] == "exit status 3: no space"
    requests.get(f"{server.url}/ping/{key}x", timeout=30)
    assert server.terminate() == 0
    assert key not in server.log


def test_command_of_the_agent_reports_a_job(server: Server) -> None:
    server.add_bot("shop")
    key = server.command("token", "add", "--scope", "ping", "--bot", "shop", "--name", "backup")
    read = {"Authorization": f"Bearer {server.add_read_token()}"}

    def ping(*arguments: str, token: str = key) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name("botwatch")), "ping", *arguments]
        environment = server.environment | {"BOTWATCH_URL": server.url, "BOTWATCH_TOKEN": token}
        return subprocess.run(
            command, env=environment, input="no space", capture_output=True, text=True, check=False
        )

    for arguments in (["start"], ["2", "--message", "-"]):
        assert (ping(*arguments).returncode, ping(*arguments).stderr) == (0, "")
    health = requests.get(f"{server.url}/debug/health-quick", headers=read, timeout=30).json()
    assert health["checks"]["dependencies"]["backup"]["message"] == "exit status 2: no space"

    assert ping("restart").returncode == 2
    unknown = ping(token=tokens.make("ping"))
    assert (unknown.returncode, unknown.stderr) == (
        1,
        "botwatch: the collector refuses: 404: there is no such ping address\n",
    )


def test_key_is_not_logged_when_the_database_is_away(server: Server) -> None:
    server.add_bot("shop")
    key = server.command("token", "add", "--scope", "ping", "--bot", "shop")
    tables = "ALTER TABLE heartbeat RENAME TO elsewhere"
    db.connect(server.environment["BOTWATCH_DATABASE"])
    with db.connected():
        db.database.execute_sql(tables)
    db.database.close_all()

    assert requests.get(f"{server.url}/ping/{key}/start", timeout=30).status_code in (500, 503)
    server.terminate()
    assert "/ping/..." in server.log
    assert key not in server.log
