"""Recorded chats replayed through the real agent: every expected figure comes back from the API."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from ..collector.server import Server
from .chat_data import NAMES, ChatData, load


class Api:
    """The read API, as a script author would use it."""

    def __init__(self, server: Server, token: str, bot: str) -> None:
        self._url = server.url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._bot = bot

    def get(self, path: str, **parameters: Any) -> Any:
        answer = requests.get(
            f"{self._url}{path}", {"bot": self._bot} | parameters, headers=self._headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stream(self, count: int) -> list[dict[str, Any]]:
        """The first `count` messages of the stream, from the very beginning."""
        headers = self._headers | {"Last-Event-ID": "0"}
        with requests.get(
            f"{self._url}/debug/message-stream", {"bot": self._bot}, headers=headers, stream=True, timeout=60
        ) as answer:
            frames = (line[6:] for line in answer.iter_lines(1 << 16) if line.startswith(b"data: "))
            return [json.loads(frame) for frame in itertools.islice(frames, count)]


def replay(server: Server, token: str, events: Path, spool: Path) -> "subprocess.Popen[str]":
    command = [str(Path(sys.executable).with_name("botwatch")), "replay", str(events), "--max"]
    connection = ["--url", server.url, "--token", token, "--spool", str(spool)]
    return subprocess.Popen(command + connection, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module", params=NAMES)
def chats(request: pytest.FixtureRequest, chat_folder: Path) -> ChatData:
    return load(request.param, chat_folder)


@pytest.fixture(scope="module")
def api(chats: ChatData, module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A collector that has received all of the chats, twice."""
    spool = tmp_path_factory.mktemp("spool")
    with Server(module_database_url) as server:
        token = server.add_bot(chats.name)
        for _ in range(2):
            replaying = replay(server, token, chats.events, spool)
            output, _ = replaying.communicate(timeout=300)
            assert replaying.returncode == 0, output
        yield Api(server, server.add_read_token(), chats.name)


@pytest.fixture(scope="module")
def messages(api: Api, chats: ChatData) -> list[dict[str, Any]]:
    """All the messages, as the stream tells them."""
    return api.stream(chats.expected["events_total"])


def test_totals(api: Api, chats: ChatData) -> None:
    expected = chats.expected
    overview = api.get("/api/analytics/overview", **chats.span)

    assert overview["messages"] == {
        "total": expected["events_total"],
        "in": expected["in_total"],
        "out": expected["out_total"],
        "previous_total": 0,
    }
    assert overview["users"] == {"unique": expected["users_total"], "previous_unique": 0}


def test_response_times(api: Api, chats: ChatData) -> None:
    found = api.get("/api/analytics/overview", **chats.span)["response_ms"]

    assert_times(found, chats.expected["response_ms"])


def test_response_times_of_each_month(api: Api, chats: ChatData) -> None:
    for month, expected in chats.expected["response_ms_by_month"].items():
        year, number = map(int, month.split("-"))
        after = f"{year + number // 12}-{number % 12 + 1:02}-01"
        found = api.get("/api/analytics/overview", **{"from": f"{month}-01", "to": after})["response_ms"]
        assert_times(found, expected)


def assert_times(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found["count"] == expected["count"]
    assert found["avg"] == pytest.approx(expected["mean"], abs=0.001)
    for rank, value in expected["nearest_rank"].items():
        assert found[rank] == pytest.approx(value, rel=0.01), rank


@pytest.mark.parametrize(("bucket", "key"), [("day", "per_day"), ("month", "per_month")])
def test_messages_and_users_of_each_bucket(api: Api, chats: ChatData, bucket: str, key: str) -> None:
    points = api.get("/api/analytics/timeline", bucket=bucket, **chats.span)["points"]

    length = {"day": 10, "month": 7}[bucket]
    found = {point["at"][:length]: {name: point[name] for name in ("in", "out", "users")} for point in points}
    assert found == chats.expected[key]


def test_messages_of_each_hour(api: Api, chats: ChatData) -> None:
    points = api.get("/api/analytics/timeline", bucket="hour", **chats.span)["points"]

    assert {f"{point['at'][:16]}Z": [point["in"], point["out"]] for point in points} == chats.expected[
        "per_hour"
    ]


def test_users_of_each_week(api: Api, chats: ChatData) -> None:
    points = api.get("/api/analytics/timeline", bucket="week", **chats.span)["points"]

    found = {}
    for point in points:
        year, week, _ = datetime.fromisoformat(point["at"]).isocalendar()
        if point["users"]:
            found[f"{year}-W{week:02}"] = point["users"]
    assert found == chats.expected["weekly_active_users"]


def test_busiest_minutes_and_day(api: Api, chats: ChatData) -> None:
    minutes = api.get("/api/analytics/timeline", bucket="minute", **chats.span)["points"]
    days = api.get("/api/analytics/timeline", bucket="day", **chats.span)["points"]

    for key, count in (("peak_minute_all", total), ("peak_minute_in", incoming)):
        most = max(map(count, minutes))
        found = [f"{point['at'][:16]}Z" for point in minutes if count(point) == most]
        assert {"count": most, "minutes": found} == chats.expected[key]
    busiest = max(days, key=incoming)
    assert [busiest["at"][:10], busiest["in"]] == chats.expected["busiest_day_in"]


def total(point: dict[str, Any]) -> int:
    return int(point["in"] + point["out"])


def incoming(point: dict[str, Any]) -> int:
    return int(point["in"])


def test_heatmap(api: Api, chats: ChatData) -> None:
    cells = api.get("/api/analytics/heatmap", **chats.span)["cells"]

    assert cells == chats.expected["heatmap_in_mon0_hour_utc"]


def test_top_users_and_all_the_others(api: Api, chats: ChatData) -> None:
    users: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/api/analytics/users", limit=1000, **cursor, **chats.span)
        users += page["users"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    top = [[user["user_id"], user["messages"]] for user in users[:20]]
    assert top == chats.expected["top_users"]
    assert len(users) == len({user["user_id"] for user in users}) == chats.expected["users_total"]
    assert sum(user["messages"] == 1 for user in users) == chats.expected["users_seen_once"]


def test_texts_come_back_as_they_were(messages: list[dict[str, Any]], chats: ChatData) -> None:
    with chats.events.open(encoding="utf-8") as file:
        sent = {event["id"]: event for event in map(json.loads, file)}
    assert [message["event_id"] for message in messages] == list(sent)
    for message in messages:
        event = sent[message["event_id"]]
        assert message["message_text"] == event["text"]
        assert (message["user_id"], message["channel"]) == (event["user"], event["channel"])
        assert message["response_time"] == event.get("response_ms")
        assert message["attributes"]["bot"] == event["bot"]

    texts = [message["message_text"] for message in messages]
    found = {
        "text_chars_max": max(map(len, texts)),
        "text_chars_total": sum(map(len, texts)),
        "text_empty": texts.count(""),
        "text_non_ascii": sum(not text.isascii() for text in texts),
        "text_utf8_bytes_total": sum(len(text.encode()) for text in texts),
        "text_with_newline": sum("\n" in text for text in texts),
    }
    assert found == {key: chats.expected[key] for key in found}


def test_first_and_last_message(messages: list[dict[str, Any]], chats: ChatData) -> None:
    first, last = messages[0]["timestamp"], messages[-1]["timestamp"]

    assert [first.replace(".000Z", "Z"), last.replace(".000Z", "Z")] == [
        chats.expected["first_ts"].replace(".000Z", "Z"),
        chats.expected["last_ts"].replace(".000Z", "Z"),
    ]


def test_messages_of_each_channel(messages: list[dict[str, Any]], chats: ChatData) -> None:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for message in messages:
        found[message["channel"]][message["direction"]] += 1

    assert {name: {"in": row["in"], "out": row["out"]} for name, row in found.items()} == chats.expected[
        "per_channel"
    ]


@pytest.mark.parametrize(
    ("key", "attribute"), [("response_ms_by_bot", "bot"), ("response_ms_by_rule", "reply_rule")]
)
def test_response_times_of_each_kind(
    messages: list[dict[str, Any]], chats: ChatData, key: str, attribute: str
) -> None:
    times: dict[str, list[int]] = defaultdict(list)
    for message in messages:
        if message["response_time"] is not None:
            times[message["attributes"][attribute]].append(message["response_time"])

    assert_exact(times, {name: row for name, row in chats.expected[key].items() if row["count"]})


def test_delays_between_people(messages: list[dict[str, Any]], chats: ChatData) -> None:
    delays = [message["attributes"].get("reply_delay_ms") for message in messages]
    known = [delay for delay in delays if delay is not None]

    assert len(known) == chats.expected["human_reply_delay_ms"]["count"]
    if known:
        assert_exact({"all": known}, {"all": chats.expected["human_reply_delay_ms"]})


def test_replies_without_a_time(messages: list[dict[str, Any]], chats: ChatData) -> None:
    silent = [m for m in messages if m["direction"] == "out" and m["response_time"] is None]

    assert len(silent) == chats.expected["out_without_response_ms"]


def assert_exact(times: dict[str, list[int]], expected: dict[str, dict[str, Any]]) -> None:
    assert times.keys() == expected.keys()
    for name, values in times.items():
        ordered = sorted(values)
        row = expected[name]
        assert (len(ordered), ordered[0], ordered[-1]) == (row["count"], row["min"], row["max"])
        assert sum(ordered) / len(ordered) == pytest.approx(row["mean"], abs=0.001)
        for rank, value in row["nearest_rank"].items():
            assert ordered[max(1, -(-int(rank[1:]) * len(ordered) // 100)) - 1] == value


def test_collector_killed_in_the_middle_loses_and_doubles_nothing(
    chats: ChatData, database_url: str, tmp_path: Path
) -> None:
    with Server(database_url) as server:
        token = server.add_bot("alice")
        api = Api(server, server.add_read_token(), "alice")
        replaying = replay(server, token, chats.events, tmp_path)
        for part in (0.2, 0.5):
            wait_for_messages(api, chats, int(part * chats.expected["events_total"]))
            server.kill9()
            server.restart()
        output, _ = replaying.communicate(timeout=300)
        assert replaying.returncode == 0, output

        overview = api.get("/api/analytics/overview", **chats.span)
        days = api.get("/api/analytics/timeline", bucket="day", **chats.span)["points"]

    assert overview["messages"]["total"] == chats.expected["events_total"]
    assert overview["users"]["unique"] == chats.expected["users_total"]
    found = {point["at"][:10]: {name: point[name] for name in ("in", "out", "users")} for point in days}
    assert found == chats.expected["per_day"]


def wait_for_messages(api: Api, chats: ChatData, count: int) -> None:
    deadline = time.monotonic() + 120
    while api.get("/api/analytics/overview", **chats.span)["messages"]["total"] < count:
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
