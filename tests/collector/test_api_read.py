"""The read API over HTTP: what it answers, to whom, and how it refuses."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import peewee
import pytest

from botwatch_collector import clock, db
from botwatch_collector.analytics.top_users import Cursor
from botwatch_collector.api.operations import OPERATIONS
from botwatch_collector.clock import DAY, HOUR, MINUTE
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Heartbeat

from .oracle import Said, put
from .reading import Reading, reading

NOW = clock.now()
JANUARY = clock.to_ms(datetime(2024, 1, 1, tzinfo=UTC))
ENDPOINTS = [
    "/api/activities",
    "/api/messages",
    "/api/status/users/online",
    "/api/status/alerts/active",
    "/api/analytics/overview",
    "/api/analytics/timeline",
    "/api/analytics/users",
    "/api/analytics/anomalies",
    "/api/analytics/heatmap",
    "/api/monitoring/dashboard",
    "/api/monitoring/active-users",
    "/debug/metrics",
    "/debug/health-quick",
]
ANALYTICS = [path for path in ENDPOINTS if path.startswith("/api/analytics")]


def fill(alice_bot: int, mallory_bot: int) -> None:
    """Recent traffic of Alice's bot alone, and a January of which four messages are Mallory's."""
    put(Said(NOW - n * MINUTE, user_id=f"alice-user-{n % 9}", bot=alice_bot) for n in range(1, 40))
    put((Said(JANUARY + n * HOUR, user_id="secret-user", bot=alice_bot) for n in range(100)), instance="two")
    put(Said(JANUARY + n * HOUR, user_id="mallory-user", bot=mallory_bot) for n in range(4))
    heartbeat = Heartbeat(ts=NOW, id="beat", checks={})
    store([Incoming(alice_bot, Batch(Header(v=1, instance="secret-instance"), [heartbeat]), NOW)])


@pytest.fixture(scope="module")
def api(shared_database_url: str) -> Iterator[Reading]:
    with reading(shared_database_url, fill) as opened:
        yield opened


@pytest.mark.parametrize("path", ENDPOINTS)
def test_answer_is_json_that_no_cache_keeps(api: Reading, path: str) -> None:
    reply = api.ask(path)

    assert reply.status_code == 200
    assert reply.mimetype == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_nobody_reads_without_a_token(api: Reading, path: str) -> None:
    assert api.client.get(path).status_code == 401
    assert api.ask(path, "bw_r_wrong").status_code == 401


@pytest.mark.parametrize("path", ENDPOINTS)
def test_mallory_sees_nothing_of_alices_bot(api: Reading, path: str) -> None:
    window = "&from=2020-01-01" if path in ANALYTICS else ""

    body = api.ask(f"{path}?limit=1000{window}", api.mallory).get_data(as_text=True)

    assert not re.search("alice|secret", body)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_mallory_is_told_that_alices_bot_does_not_exist(api: Reading, path: str) -> None:
    reply = api.ask(f"{path}?bot=alice-bot", api.mallory)

    assert (reply.status_code, reply.json) == (
        404,
        {"error": {"code": "not_found", "message": "no bot 'alice-bot'"}},
    )


def test_mallorys_figures_are_those_of_her_bot(api: Reading) -> None:
    window = "from=2023-06-01&to=2024-06-01"
    overview = api.json(f"/api/analytics/overview?{window}", api.mallory)
    timeline = api.json(f"/api/analytics/timeline?bucket=month&{window}", api.mallory)
    users = api.json(f"/api/analytics/users?{window}", api.mallory)
    cells = api.json(f"/api/analytics/heatmap?{window}", api.mallory)["cells"]
    metrics = api.json("/debug/metrics", api.mallory)

    assert (overview["messages"]["total"], overview["users"]["unique"]) == (4, 1)
    assert [(point["in"], point["users"]) for point in timeline["points"]] == [(4, 1)]
    assert [user["user_id"] for user in users["users"]] == ["mallory-user"]
    assert sum(map(sum, cells)) == 4
    assert (metrics["messages"]["total"], metrics["users"]["total"]) == (4, 1)


def test_cursor_of_alice_shows_mallory_nothing(api: Reading) -> None:
    page = api.json("/api/analytics/users?from=2023-06-01&limit=1")
    cursor = Cursor.read(page["next"])

    seen = api.json(f"/api/analytics/users?cursor={cursor.text()}", api.mallory)

    assert {user["user_id"] for user in seen["users"]} <= {"mallory-user"}


def test_bots_can_be_named(api: Reading) -> None:
    total = "/api/analytics/overview?from=2024-01-01&to=2024-02-01"

    def count(query: str) -> int:
        return int(api.json(total + query)["messages"]["total"])

    assert count("") == count("&bot=alice-bot&bot=mallory-bot") == 104
    assert (count("&bot=alice-bot"), count("&bot=mallory-bot")) == (100, 4)
    assert api.ask(total + "&bot=nobody").status_code == 404


def test_window_is_the_last_thirty_days_unless_asked(api: Reading) -> None:
    assert api.json("/api/analytics/overview")["messages"]["total"] == 39
    assert api.json("/api/analytics/overview?from=2024-01-01")["messages"]["total"] == 143
    assert api.json("/api/analytics/overview?to=2024-01-02")["messages"]["total"] == 28


@pytest.mark.parametrize(
    "start",
    [
        "2024-01-01T10:00:00Z",
        "2024-01-01T10:00:00.000Z",
        "2024-01-01T11:00:00%2B01:00",
        "2024-01-01T11:00:00+01:00",
        "2024-01-01T04:30:00-05:30",
        "2024-01-01T11:00&tz=Europe/Berlin",
        "2024-01-01T10:00",
        "2024-01-01%2010:00:00",
        "20240101T100000Z",
        str(JANUARY + 10 * HOUR),
    ],
)
def test_time_may_be_written_in_several_ways(api: Reading, start: str) -> None:
    found = api.json(f"/api/analytics/overview?bot=alice-bot&to=2024-01-01T12:00Z&from={start}")

    assert found["messages"]["total"] == 2


def test_date_alone_is_its_midnight_in_the_zone_and_the_end_is_outside(api: Reading) -> None:
    path = "/api/analytics/timeline?bucket=hour&bot=alice-bot&from=2024-01-02&to=2024-01-03"

    utc = api.json(path)["points"]
    kolkata = api.json(f"{path}&tz=Asia/Kolkata")["points"]

    assert (utc[0]["at"], utc[-1]["at"]) == ("2024-01-02T00:00:00.000Z", "2024-01-02T23:00:00.000Z")
    # Hours of that zone start at half past in UTC; messages came on the hour.
    assert (kolkata[0]["at"], kolkata[-1]["at"]) == ("2024-01-01T18:30:00.000Z", "2024-01-02T17:30:00.000Z")


def test_empty_parameter_counts_as_absent(api: Reading) -> None:
    assert api.json("/api/analytics/overview?from=&to=&tz=&bot=")["messages"]["total"] == 39


@pytest.mark.parametrize(
    ("path", "query", "at"),
    [
        *((path, "from=yesterday", "from") for path in ANALYTICS),
        *((path, "to=2024-13-01", "to") for path in ANALYTICS),
        ("overview", "from=2024", "from"),
        ("overview", "from=-1", "from"),
        ("overview", "from=1.5e12", "from"),
        ("overview", "from=1969-12-31", "from"),
        ("overview", "to=999999999999999", "to"),
        ("overview", "to=9999-12-31T23:59:59-23:00", "to"),
        ("overview", "to=0001-01-01T00:00:00%2B23:00", "to"),
        ("overview", "from=NaN", "from"),
        ("overview", "from=" + "9" * 400, "from"),
        ("overview", "from=2024-01-01&from=2024-01-02", "from"),
        ("overview", "from=2024-01-02&to=2024-01-01", "to"),
        ("overview", "from=2024-01-02&to=2024-01-02", "to"),
        ("overview", "from=9000-01-01", "from"),
        ("overview", "from=2024-01-01T00:00&tz=Mars/Olympus", "tz"),
        ("timeline", "tz=Europe/Atlantis", "tz"),
        ("timeline", "tz=../../../etc/passwd", "tz"),
        ("timeline", "tz=/etc/passwd", "tz"),
        ("timeline", "tz=Europe", "tz"),
        ("timeline", "tz=%00", "tz"),
        ("heatmap", "tz=europe/berlin", "tz"),
        ("anomalies", "bucket=minute", "bucket"),
        ("timeline", "bucket=year", "bucket"),
        ("timeline", "bucket=Day", "bucket"),
        ("users", "limit=0", "limit"),
        ("users", "limit=1001", "limit"),
        ("users", "limit=-3", "limit"),
        ("users", "limit=ten", "limit"),
        ("users", "limit=1.0", "limit"),
        ("users", "limit=%D9%A3", "limit"),
        ("users", "cursor=nonsense", "cursor"),
        ("users", "cursor=%F0%9F%98%80", "cursor"),
        ("users", "cursor=WzEsMiwzXQ", "cursor"),
        ("users", "cursor=bm90IGpzb24", "cursor"),
        ("/api/monitoring/active-users", "window=yesterday", "window"),
        ("/api/monitoring/active-users", "limit=x", "limit"),
        ("/api/monitoring/dashboard", "tz=x", "tz"),
        ("/debug/metrics", "tz=x", "tz"),
    ],
)
def test_wrong_parameter_is_named(api: Reading, path: str, query: str, at: str) -> None:
    path = path if path.startswith("/") else f"/api/analytics/{path}"

    reply = api.ask(f"{path}?{query}")

    assert reply.status_code == 400
    error = reply.json["error"]  # type: ignore[index]
    assert (error["code"], error["at"]) == ("invalid_parameter", at)
    assert error["message"].startswith(f"{at}: ")
    assert len(error["message"]) < 300


def test_cursor_for_times_that_cannot_be_is_refused(api: Reading) -> None:
    for start, end in ((-5, 10), (10, 5), (7, 7), (0, 10**15)):
        reply = api.ask(f"/api/analytics/users?cursor={Cursor(start, end, 1, 'x').text()}")
        assert (reply.status_code, reply.json["error"]["at"]) == (400, "cursor")  # type: ignore[index]


def test_cursor_with_a_character_that_no_database_holds_is_refused(api: Reading) -> None:
    assert api.ask(f"/api/analytics/users?cursor={Cursor(1, 2, 1, 'a' + chr(0)).text()}").status_code == 400


def test_widest_window_is_answered(api: Reading) -> None:
    for path in ANALYTICS:
        assert api.ask(f"{path}?from=1970-01-01&to=9999-11-30&tz=America/St_Johns").status_code == 200


def test_pages_of_users_share_the_window_of_the_first(api: Reading) -> None:
    first = api.json("/api/analytics/users?from=2024-01-01&limit=1")
    second = api.json(f"/api/analytics/users?limit=1&cursor={first['next']}")

    assert first["users"][0] == {
        "user_id": "secret-user",
        "user_name": None,
        "messages": 100,
        "last_seen": "2024-01-05T03:00:00.000Z",
    }
    assert second["users"][0]["user_id"] == "alice-user-1"


def test_active_users_are_listed_with_their_count(api: Reading) -> None:
    found = api.json("/api/monitoring/active-users?limit=2")

    assert (found["window"], found["count"], len(found["users"])) == ("now", 9, 2)
    rest = api.json(f"/api/monitoring/active-users?cursor={found['next']}")
    assert len(rest["users"]) == 7 and rest["next"] is None
    assert set(found["users"][0]) == {"user_id", "user_name", "messages", "last_seen"}


def test_active_today_is_since_midnight_in_the_zone(api: Reading) -> None:
    found = api.json("/api/monitoring/active-users?window=today&tz=Pacific/Chatham")

    since = datetime.fromisoformat(found["since"])
    assert timedelta() <= datetime.now(UTC) - since <= timedelta(hours=25)
    assert since.minute == 15  # 12:45 or 13:45 ahead of UTC


def test_dashboard_has_the_newest_messages(api: Reading) -> None:
    board = api.json("/api/monitoring/dashboard")

    assert len(board["feed"]) == 50
    newest = board["feed"][0]
    assert (newest["bot"], newest["direction"], newest["user_id"]) == ("alice-bot", "in", "alice-user-1")
    times = [one["timestamp"] for one in board["feed"]]
    assert times == sorted(times, reverse=True)


def test_health_without_a_database_is_503_and_tells_nothing_of_bots(
    api: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise peewee.OperationalError("connection refused")

    monkeypatch.setattr(db.database.obj, "execute_sql", gone)

    reply = api.ask("/debug/health-quick")

    assert reply.status_code == 503
    body = reply.json
    assert body is not None and body["status"] == "fail"
    assert body["checks"]["database"] == {"status": "fail", "latency_ms": None}
    assert "refused" not in reply.get_data(as_text=True)


def test_health_of_a_database_that_hangs_is_503_soon(api: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    execute = db.database.obj.execute_sql

    def hang(*args: Any, **kwargs: Any) -> Any:
        assert released.wait(60)
        return execute(*args, **kwargs)

    monkeypatch.setattr(db.database.obj, "execute_sql", hang)
    before = set(threading.enumerate())

    # More than may hang at a time.
    answers = [api.ask("/debug/health-quick").status_code for _ in range(3)]
    released.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)

    assert answers == [503, 503, 503]
    assert api.ask("/debug/health-quick").status_code == 200


def test_every_route_is_described(api: Reading) -> None:
    described = {(one.path, one.method.upper()) for one in OPERATIONS}
    prefixes = ("/api/", "/debug/", "/metrics", "/livez", "/readyz", "/healthz", "/ping")

    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in api.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(prefixes)
    }

    assert routes <= described
    assert {(path, "GET") for path in ENDPOINTS} <= routes


def test_description_is_whole(api: Reading) -> None:
    document = api.json("/api/openapi.json")

    text = json.dumps(document)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert references <= set(document["components"]["schemas"])
    assert document["openapi"] == "3.1.0" and document["info"]["title"] == "botwatch"
    batch = document["paths"]["/api/events"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    assert batch["schema"] == {"$ref": "#/components/schemas/BatchLine"}
    assert document["components"]["schemas"]["Message"]["required"] == [
        "kind",
        "ts",
        "direction",
        "text",
        "user_id",
    ]


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.path in ENDPOINTS], ids=lambda o: o.path
)
def test_answer_is_what_the_description_says(api: Reading, operation: Any) -> None:
    body = api.ask(operation.path).get_data()

    decoded = msgspec.json.decode(body, type=operation.answers, strict=True)

    assert msgspec.json.decode(msgspec.json.encode(decoded)) == json.loads(body)


def test_old_and_new_windows_of_default_length(api: Reading) -> None:
    path = f"/api/analytics/overview?from={JANUARY + 40 * DAY}&to={JANUARY + 80 * DAY}"

    assert api.json(path)["messages"] == {"total": 0, "in": 0, "out": 0, "previous_total": 104}
