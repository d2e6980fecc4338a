"""What Prometheus sees: right, complete, documented, and only for whom it is meant."""

import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from botwatch_collector import clock, counters, db, models
from botwatch_collector.access import tokens
from botwatch_collector.app import create_app
from botwatch_collector.config import Config
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header
from botwatch_collector.metrics import METRICS, Worker, exposition, instances
from botwatch_collector.metrics.messages import BOUNDS_MS

from .streams import add_bots, say

ROOT = Path(__file__).resolve().parents[2]
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def bots(database: None) -> list[int]:
    counters.take()
    return add_bots("shop", "news")


def scraped(*, whole: bool = True, now: int | None = None, bots: Sequence[int] = ()) -> Samples:
    rows = models.Bot.select()
    names = {bot.id: bot.name for bot in rows if bot.id in bots or not bots}
    text = exposition(names, now or clock.now(), "", whole=whole)[0].decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_format(text)
        for sample in family.samples
    }


def report(bot: int, kind: str, instance: str = "one", **fields: Any) -> None:
    event = {"kind": kind, "ts": clock.now(), "id": f"{instance}{random.random()}"} | fields
    (decoded,) = msgspec.convert([event], list[AnyEvent])
    store([Incoming(bot, Batch(Header(v=1, instance=instance), [decoded]), fields.get("ts", clock.now()))])


def test_messages_are_counted_by_bot_and_direction(bots: list[int]) -> None:
    say(bots[0], "1", "2")
    say(bots[0], "3", direction="out")
    say(bots[1], "history", ts=1)

    found = scraped()
    assert {key: value for key, value in found.items() if key[0] == "botwatch_messages_total"} == {
        ("botwatch_messages_total", ("shop", "in")): 2,
        ("botwatch_messages_total", ("shop", "out")): 1,
        ("botwatch_messages_total", ("news", "in")): 1,
        ("botwatch_messages_total", ("news", "out")): 0,
    }


@pytest.mark.parametrize(("metric", "field"), [("response", "response_ms"), ("wait", "wait_ms")])
def test_histogram_agrees_with_the_raw_times(bots: list[int], metric: str, field: str) -> None:
    draw = random.Random(7)
    times = [0, 5, 10, 1_000, *(int(draw.lognormvariate(6, 2)) for _ in range(300))]
    for time_ms in times:
        say(bots[0], "answer", direction="out", **{field: time_ms})

    found = scraped()
    name = f"botwatch_{metric}_seconds"
    counts = [found[f"{name}_bucket", ("shop", str(bound / 1_000))] for bound in BOUNDS_MS]
    assert counts == sorted(counts)
    for bound, count in zip(BOUNDS_MS, counts, strict=True):
        assert sum(time_ms <= bound for time_ms in times) <= count
        assert count <= sum(time_ms <= bound * 1.019 for time_ms in times)
    assert found[f"{name}_bucket", ("shop", "+Inf")] == found[f"{name}_count", ("shop",)] == len(times)
    assert found[f"{name}_sum", ("shop",)] == pytest.approx(sum(times) / 1_000)
    assert found[f"{name}_count", ("news",)] == 0


def test_active_users_are_those_of_the_window(bots: list[int]) -> None:
    now = clock.now()
    for user, age in (("now", 60), ("hour", 50 * 60), ("day", 20 * 3_600), ("week", 6 * 86_400)):
        say(bots[0], "hi", "again", user_id=user, ts=now - age * 1_000)
    say(bots[0], "long ago", user_id="gone", ts=now - 8 * 86_400_000)

    found = scraped(now=now)
    for window, users in (("30m", 1), ("1h", 2), ("24h", 3), ("7d", 4)):
        assert found["botwatch_active_users", ("shop", window)] == users
        assert found["botwatch_active_users", ("news", window)] == 0


def test_users_who_are_there_are_counted_by_status(bots: list[int]) -> None:
    now = clock.now()
    for user, status in (("ann", "online"), ("bob", "busy"), ("cat", "online"), ("dan", "offline")):
        report(bots[0], "presence", ts=now, user_id=user, status=status)
    report(bots[0], "presence", ts=now, user_id="eve", status="busy", show_status=False)

    found = scraped(now=now)
    counted = {
        status: found["botwatch_presence_users", ("shop", status)] for status in ("online", "busy", "dnd")
    }
    assert counted == {"online": 2, "busy": 1, "dnd": 0}
    assert scraped(now=now + 400_000)["botwatch_presence_users", ("shop", "away")] == 2


def test_bot_is_up_while_its_heartbeats_come(bots: list[int]) -> None:
    report(bots[0], "heartbeat", interval_s=15.0)
    now = clock.now()

    found = scraped(now=now + 10_000)
    assert found["botwatch_bot_up", ("shop",)] == 1
    assert 10 <= found["botwatch_heartbeat_age_seconds", ("shop",)] < 60
    assert found["botwatch_instances", ("shop", "up")] == 1
    assert found["botwatch_bot_up", ("news",)] == 0
    assert ("botwatch_heartbeat_age_seconds", ("news",)) not in found
    later = scraped(now=now + 600_000)
    assert later["botwatch_bot_up", ("shop",)] == 0
    assert later["botwatch_instances", ("shop", "down")] == 1


def test_readings_of_an_instance_leave_with_it(bots: list[int]) -> None:
    report(bots[0], "heartbeat")
    report(bots[0], "sample", cpu_percent=12.5, memory_bytes=1_000, loop_lag_ms=250.0)
    report(bots[0], "sample", cpu_percent=25.0, memory_bytes=2_000, loop_lag_ms=500.0, fds=9, threads=3)
    now = clock.now()

    found = scraped(now=now)
    assert found["botwatch_instance_cpu_percent", ("shop", "one")] == 25
    assert found["botwatch_instance_memory_bytes", ("shop", "one")] == 2_000
    assert found["botwatch_instance_loop_lag_seconds", ("shop", "one")] == 0.5
    assert found["botwatch_instance_fds", ("shop", "one")] == 9
    assert found["botwatch_instance_threads", ("shop", "one")] == 3
    gone = {name for name, _ in scraped(now=now + 600_000) if name.startswith("botwatch_instance_")}
    assert gone == set()


def test_many_instances_share_a_label(bots: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "MOST_INSTANCES", 2)
    for number in range(5):
        report(bots[0], "heartbeat", f"i{number}")
        report(bots[0], "sample", f"i{number}", memory_bytes=100, loop_lag_ms=1_000.0 * number)

    found = scraped()
    memory = {
        labels[1]: value
        for (name, labels), value in found.items()
        if name == "botwatch_instance_memory_bytes"
    }
    assert memory == {"i0": 100, "i1": 100, "other": 300}
    assert found["botwatch_instance_loop_lag_seconds", ("shop", "other")] == 4


def test_losses_of_past_instances_stay_counted(bots: list[int]) -> None:
    own = {"sent": 10, "errors": 2, "cpu_s": 0.5}
    report(bots[0], "heartbeat", "past", losses={"full": 3, "age": 1}, stopping=True, **own)
    report(bots[0], "heartbeat", "present", losses={"full": 1})
    report(
        bots[0],
        "heartbeat",
        "present",
        losses={"full": 2},
        spool={"events": 7, "bytes": 70, "oldest_age_s": 1.5},
        **own,
    )

    found = scraped()
    assert found["botwatch_agent_sent_total", ("shop",)] == 20
    assert found["botwatch_agent_errors_total", ("shop",)] == 4
    assert found["botwatch_agent_cpu_seconds_total", ("shop",)] == 1
    assert found["botwatch_agent_losses_total", ("shop", "full")] == 5
    assert found["botwatch_agent_losses_total", ("shop", "age")] == 1
    assert found["botwatch_agent_queue_events", ("shop",)] == 7
    assert found["botwatch_agent_queue_bytes", ("shop",)] == 70
    assert found["botwatch_agent_queue_oldest_seconds", ("shop",)] == 1.5


def test_collector_tells_of_all_its_workers(bots: list[int]) -> None:
    say(bots[0], "1", "2", "3")
    now = clock.now()
    for readers in (2.0, 3.0):
        Worker({"botwatch_stream_readers": lambda readers=readers: readers}).step(now)  # type: ignore[misc]
    counters.count("botwatch_ingest_rejected_total", reason="invalid_batch")
    counters.count("botwatch_ingest_commit_seconds_sum", 0.25)
    counters.count("botwatch_ingest_commit_seconds_count")
    counters.flush()

    found = scraped(now=now)
    assert found["botwatch_stream_readers", ()] == 5
    assert found["botwatch_ingest_events_total", ("message",)] == 3
    assert found["botwatch_ingest_batches_total", ("stored",)] == 1
    assert found["botwatch_ingest_duplicates_total", ()] == 0
    assert found["botwatch_ingest_rejected_total", ("invalid_batch",)] == 1
    assert found["botwatch_ingest_commit_seconds_sum", ()] == 0.25
    assert found["botwatch_ingest_commit_seconds_count", ()] == 1
    assert found["botwatch_database_size_bytes", ()] > 0
    assert scraped(now=now + 120_000)["botwatch_stream_readers", ()] == 0


def test_nothing_stored_is_an_exposition_too(database: None) -> None:
    names = {name for name, _ in scraped()}

    assert "botwatch_messages_total" not in names
    assert "botwatch_build_info" in names


def test_reader_of_one_bot_is_told_of_that_alone(bots: list[int]) -> None:
    for bot in bots:
        say(bot, "hello")
        report(bot, "heartbeat", losses={"full": 1})

    found = scraped(whole=False, bots=bots[:1])
    assert {labels[0] for _, labels in found} == {"shop"}
    assert not any(metric.own for metric in METRICS if any(name.startswith(metric.name) for name, _ in found))


def test_label_values_are_escaped(database: None) -> None:
    # Such a name can't be registered; a reason comes from an agent as it likes.
    (bot,) = add_bots("shop")
    hostile = 'a"b\\c\nbotwatch_messages_total{bot="forged"} 1'
    report(bot, "heartbeat", losses={hostile: 2})

    found = scraped()
    assert found["botwatch_agent_losses_total", ("shop", hostile)] == 2
    assert ("botwatch_messages_total", ("forged",)) not in found


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_nothing_wrong(bots: list[int]) -> None:
    say(bots[0], "1", direction="out", response_ms=100, wait_ms=200)
    report(bots[0], "heartbeat", losses={"full": 1}, spool={"events": 7, "bytes": 70, "oldest_age_s": 1.5})
    report(
        bots[0],
        "sample",
        cpu_percent=1.0,
        memory_bytes=1,
        loop_lag_ms=1.0,
        fds=9,
        threads=3,
        update_age_s=1.0,
    )
    for name, label in (("rejected", "reason"), ("batches", "result")):
        counters.count(f"botwatch_ingest_{name}_total", **{label: "x"})
    counters.count("botwatch_stream_dropped_total", reason="x")
    counters.flush()
    Worker({}).step(clock.now())

    text = exposition({bots[0]: "shop"}, clock.now(), "", whole=True)[0]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    told = set(re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE))
    assert told == {metric.name for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_metric_is_documented_as_it_is(metric: Any) -> None:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    row = f"| `{metric.name}` | {metric.kind} | {labels + ' ' if labels else ''}|"

    assert row in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_documentation_names_no_other_metric() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(botwatch_\w+)`", page, re.MULTILINE)) == {metric.name for metric in METRICS}


def test_code_counts_only_what_is_declared() -> None:
    parts = {
        f"{metric.name}_{part}" for metric in METRICS if metric.kind == "summary" for part in ("sum", "count")
    }
    declared = parts | {metric.name for metric in METRICS if metric.kind == "counter"}
    sources = (ROOT / "collector").rglob("*.py")
    used = {
        name
        for source in sources
        for name in re.findall(r'(?:count|key)\(\s*"(botwatch_\w+)"', source.read_text(encoding="utf-8"))
    }

    assert used
    assert used <= declared


def test_people_are_never_labels() -> None:
    assert {label for metric in METRICS for label in metric.labels} == {
        "bot", "direction", "window", "state", "instance", "reason", "result", "kind",
        "version", "python", "database", "host", "pid", "job", "table", "check", "channel", "status",
        "question", "severity",
    }  # fmt: skip


# Over HTTP


@pytest.fixture
def client(database_url: str) -> Iterator[FlaskClient]:
    app: Flask = create_app(Config(database=database_url), cookie_key="key")
    opened = db.database.obj
    yield app.test_client()
    opened.close_all()


def read_token(bot: str | None = None) -> dict[str, str]:
    owner = models.Bot.get(models.Bot.name == bot) if bot else None
    return {"Authorization": f"Bearer {tokens.add('read', clock.now(), bot=owner)[1]}"}


def test_scraper_gets_the_format_it_asks_for(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    say(shop, "hello", direction="out", response_ms=5)
    headers = read_token()

    plain = client.get("/metrics", headers=headers)
    assert plain.mimetype == "text/plain"
    assert plain.headers["Cache-Control"] == "no-store"
    assert list(text_format(plain.text))
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    open_ = client.get("/metrics", headers=headers | accept)
    assert open_.mimetype == "application/openmetrics-text"
    assert {family.name for family in openmetrics(open_.text)} >= {
        "botwatch_messages",
        "botwatch_response_seconds",
    }


def test_metrics_are_not_for_strangers(client: FlaskClient) -> None:
    (shop,) = add_bots("shop")
    ingest = tokens.add("ingest", clock.now(), bot=models.Bot.get_by_id(shop))[1]

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {ingest}"}).status_code == 403


def test_mallory_is_told_of_her_own_bot_alone(client: FlaskClient) -> None:
    add_bots("shop", "news")

    text = client.get("/metrics", headers=read_token("news")).text
    assert 'bot="news"' in text
    assert "shop" not in text
    assert "botwatch_ingest" not in text
    assert "botwatch_ingest" in client.get("/metrics", headers=read_token()).text


def test_refused_batches_are_counted_by_reason(client: FlaskClient) -> None:
    counters.take()
    (shop,) = add_bots("shop")
    ingest = tokens.add("ingest", clock.now(), bot=models.Bot.get_by_id(shop))[1]
    for token in (ingest, "nonsense"):
        client.post(
            "/api/events",
            data="no json",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
        )

    assert counters.take() == {
        counters.key("botwatch_ingest_rejected_total", reason="invalid_batch"): 1,
        counters.key("botwatch_ingest_rejected_total", reason="unauthorized"): 1,
    }
