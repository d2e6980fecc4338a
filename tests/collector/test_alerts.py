"""Incidents: opened and resolved once, told on the stream, and ended by whom it is allowed."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from botwatch_collector import alerts, clock, counters, db, models
from botwatch_collector.access import accounts, logins, tokens
from botwatch_collector.app import create_app
from botwatch_collector.clock import MINUTE, SECOND
from botwatch_collector.config import Config, Limits
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

from .streams import NOW, InBackground, Stream, add_bots, let_streams_end

PASSWORD = "correct horse battery"
STEP = 15 * SECOND
STREAM = "/api/monitoring/stream?channels=alerts&last_event_id=0"


@pytest.fixture(scope="module")
def client(shared_database_url: str) -> Iterator[FlaskClient]:
    """One application on one database for all of these tests."""
    made = create_app(Config(database=shared_database_url, threads=4), cookie_key="key")
    opened = db.database.obj
    with db.connected():
        accounts.add("olga", PASSWORD, "operator", NOW)
        accounts.add("victor", PASSWORD, "viewer", NOW)
    yield made.test_client()
    let_streams_end()
    opened.close_all()


@pytest.fixture
def bots(client: FlaskClient) -> list[int]:
    """Two bots of which nothing was heard yet. Requests give the connection back, so none is held here."""
    counters.take()
    emptied = (
        models.Incident,
        models.IncidentChange,
        models.IncidentWatch,
        models.Heartbeat,
        models.Activity,
    )
    for table in (*emptied, models.Instance, models.Token, models.Job, models.Bot):
        table.delete().execute()
    return add_bots("shop", "news")


def report(bot: int, kind: str, at: int, **fields: Any) -> None:
    event = {"kind": kind, "ts": at, "id": f"{kind}-{at}-{len(fields)}-{models.EventId.select().count()}"}
    events = msgspec.convert([event | fields], list[AnyEvent])
    store([Incoming(bot, Batch(Header(v=1, instance="one"), events), at)])


def beat(bot: int, at: int, **fields: Any) -> None:
    report(bot, "heartbeat", at, interval_s=15.0, **fields)


def watch(start: int, end: int, *, beating: int | None = None, step: int = STEP, **fields: Any) -> None:
    """The job's turns over this time, with a bot's heartbeats beside them."""
    for at in range(start, end + 1, step):
        if beating is not None:
            beat(beating, at, **fields)
        alerts.look(Config(database=""), at)


def told() -> list[tuple[str, str, bool]]:
    row = models.IncidentChange
    rows: Any = row.select(row.rule, row.subject, row.resolved_at.is_null(False)).order_by(row.id).tuples()
    return [(rule, subject, bool(is_over)) for rule, subject, is_over in rows]


def read_token(bot: str | None = None) -> dict[str, str]:
    owner = models.Bot.get(models.Bot.name == bot) if bot else None
    return {"Authorization": f"Bearer {tokens.add('read', NOW, bot=owner)[1]}"}


def ingest_token(bot: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.add('ingest', NOW, bot=models.Bot.get_by_id(bot))[1]}"}


def browser(client: FlaskClient, username: str) -> FlaskClient:
    made = client.application.test_client()
    secret = logins.log_in(username, PASSWORD, "127.0.0.1", Limits(), clock.now())
    with made.session_transaction() as session:
        session["login"] = secret
    return made


def go_down(bot: int) -> models.Incident:
    """A bot that was there and is not heard of any more."""
    beat(bot, NOW)
    watch(NOW, NOW + 3 * MINUTE)
    found: models.Incident = models.Incident.get(
        models.Incident.bot_id == bot, models.Incident.rule == "bot_down"
    )
    return found


# What becomes an incident


def test_bot_that_was_never_heard_of_is_no_alert(bots: list[int]) -> None:
    watch(NOW, NOW + 2 * MINUTE)

    assert told() == []


def test_bot_that_falls_silent_is_one_incident_until_it_is_back(bots: list[int]) -> None:
    go_down(bots[0])
    assert [one for one in told() if one[0] == "bot_down"] == [("bot_down", "", False)]
    watch(NOW + 3 * MINUTE + STEP, NOW + 4 * MINUTE, beating=bots[0])

    assert [one for one in told() if one[0] == "bot_down"] == [
        ("bot_down", "", False),
        ("bot_down", "", True),
    ]
    assert alerts.active(bots, NOW).count == 0


def test_bot_that_says_goodbye_is_no_alert(bots: list[int]) -> None:
    beat(bots[0], NOW, stopping=True)
    watch(NOW + MINUTE, NOW + 3 * MINUTE)

    assert told() == []


def test_late_bot_is_told_before_it_is_down(bots: list[int]) -> None:
    report(bots[0], "heartbeat", NOW, interval_s=60.0)
    watch(NOW + 2 * MINUTE, NOW + 6 * MINUTE, step=20 * SECOND)

    assert told() == [("bot_late", "", False), ("bot_late", "", True), ("bot_down", "", False)]


def test_dependency_that_fails_is_told_by_its_name(bots: list[int]) -> None:
    failing = {"db": {"status": "fail", "message": "refused"}, "llm": {"status": "warn"}}
    watch(NOW, NOW + 2 * MINUTE, beating=bots[0], step=20 * SECOND, checks=failing)
    (found,) = alerts.active(bots, NOW).alerts
    assert (found.rule, found.subject, found.message, found.bot) == ("check_failing", "db", "refused", "shop")
    watch(NOW + 2 * MINUTE + STEP, NOW + 4 * MINUTE, beating=bots[0], checks={"db": {"status": "ok"}})

    assert told() == [("check_failing", "db", False), ("check_failing", "db", True)]


def test_check_that_is_not_asked_any_more_is_well(bots: list[int]) -> None:
    watch(NOW, NOW + 2 * MINUTE, beating=bots[0], step=20 * SECOND, checks={"db": {"status": "fail"}})
    watch(NOW + 2 * MINUTE + STEP, NOW + 4 * MINUTE, beating=bots[0])

    assert told() == [("check_failing", "db", False), ("check_failing", "db", True)]


def test_burst_of_errors_is_told_and_ends(bots: list[int]) -> None:
    for number in range(10):
        report(bots[0], "activity", NOW - number, action="ValueError", category="error", severity="error")
    watch(NOW, NOW + 7 * MINUTE, beating=bots[0], step=30 * SECOND)

    assert told() == [("error_burst", "", False), ("error_burst", "", True)]


def test_handler_that_hangs_is_told_with_its_place(bots: list[int]) -> None:
    beat(bots[0], NOW)
    hang = {"action": "blocked", "category": "performance", "status": "hanging", "entity_type": "handler"}
    details = {"place": "/srv/bot.py:7", "since": NOW - 10_000}
    report(bots[0], "activity", NOW, **hang, duration_ms=10_000, details=details)
    watch(NOW, NOW + MINUTE, beating=bots[0])

    (found,) = alerts.active(bots, NOW).alerts
    assert (found.rule, found.message) == ("bot_hanging", "handler hangs at /srv/bot.py:7")


def test_collector_that_was_away_gives_bots_time_to_come_back(bots: list[int]) -> None:
    beat(bots[0], NOW)
    watch(NOW, NOW + MINUTE + 2 * STEP)
    assert models.IncidentWatch.get(models.IncidentWatch.rule == "bot_down").state == "pending"
    later = NOW + 60 * MINUTE
    models.Job.insert(name="alerts", due_at=0, succeeded_at=NOW + 2 * MINUTE).execute()
    alerts.look(Config(database=""), later)
    beat(bots[0], later + SECOND)
    models.Job.update(succeeded_at=later).execute()
    alerts.look(Config(database=""), later + STEP)

    assert [one for one in told() if one[0] == "bot_down"] == []


def test_incident_opens_and_ends_once_on_any_number_of_hosts(bots: list[int]) -> None:
    beat(bots[0], NOW)
    watch(NOW, NOW + MINUTE + STEP)

    def host(at: int) -> None:
        with db.connected():
            alerts.look(Config(database=""), at)

    for at in (NOW + 3 * MINUTE, NOW + 3 * MINUTE + SECOND):
        for one in [InBackground(host, at) for _ in range(4)]:
            one.result()

    assert [one for one in told() if one[0] == "bot_down"] == [("bot_down", "", False)]
    assert models.Incident.select().where(models.Incident.rule == "bot_down").count() == 1


# By hand


def test_resolved_by_hand_is_over_and_stays_so_while_the_condition_lasts(bots: list[int]) -> None:
    incident = go_down(bots[0])

    first = alerts.resolve(incident.id, bots, "olga", NOW + 4 * MINUTE)
    again = alerts.resolve(incident.id, bots, "victor", NOW + 5 * MINUTE)
    watch(NOW + 5 * MINUTE, NOW + 6 * MINUTE)

    assert first == again
    assert (first.resolved_by, first.resolved_at) == ("olga", clock.iso(NOW + 4 * MINUTE))
    assert [one for one in told() if one[0] == "bot_down"] == [
        ("bot_down", "", False),
        ("bot_down", "", True),
    ]
    beat(bots[0], NOW + 7 * MINUTE)
    watch(NOW + 7 * MINUTE, NOW + 10 * MINUTE)
    assert told()[-1] == ("bot_down", "", False)


def test_program_of_the_bot_may_resolve(client: FlaskClient, bots: list[int]) -> None:
    incident = go_down(bots[0])
    path = f"/api/alerts/{incident.id}/resolve"

    assert client.post(path, headers=read_token()).status_code == 403
    assert client.post(path, headers=ingest_token(bots[1])).status_code == 404
    assert client.post("/api/alerts/9999999/resolve", headers=ingest_token(bots[0])).status_code == 404
    assert client.post(path).status_code == 400, "no token against forgery"
    reply = client.post(path, headers=ingest_token(bots[0]))

    assert reply.json is not None
    assert reply.json["resolved_by"].startswith("token …")
    assert client.get("/api/status/alerts/active", headers=read_token()).json["count"] == 0  # type: ignore[index]


@pytest.mark.parametrize(("username", "status"), [("olga", 303), ("victor", 403)])
def test_operator_resolves_on_the_page(
    client: FlaskClient, bots: list[int], username: str, status: int
) -> None:
    incident = go_down(bots[0])
    person = browser(client, username)
    page = person.get("/alerts").text
    token = person.get("/settings").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert person.post(f"/alerts/{incident.id}/resolve").status_code == 400

    reply = person.post(f"/alerts/{incident.id}/resolve", data={"csrf_token": token})

    assert reply.status_code == status
    assert ("Resolve</button>" in page) == (status == 303)
    assert ("<bdi>olga</bdi>" in person.get("/alerts").text.partition("What was")[2]) == (status == 303)


# What is told


def test_active_alerts_are_those_of_the_readers_bots(client: FlaskClient, bots: list[int]) -> None:
    incident = go_down(bots[0])

    body: Any = client.get("/api/status/alerts/active", headers=read_token()).json
    mallory: Any = client.get("/api/status/alerts/active", headers=read_token("news")).json

    assert [one["id"] for one in body["alerts"]] == [incident.id]
    assert body["alerts"][0] | {"details": {}} == {
        "id": incident.id,
        "rule": "bot_down",
        "title": "Bot is down",
        "bot": "shop",
        "subject": "",
        "severity": "high",
        "message": "no heartbeat any more",
        "opened_at": clock.iso(incident.opened_at),
        "resolved_at": None,
        "resolved_by": None,
        "details": {},
    }
    assert (mallory["count"], mallory["alerts"]) == (0, [])


def test_stream_tells_begin_and_end_and_goes_on_in_between(client: FlaskClient, bots: list[int]) -> None:
    incident = go_down(bots[0])
    headers = read_token()
    reply = client.get(STREAM, headers=headers)
    read = Stream(reply.iter_encoded())
    frames = read.next(len(told()))
    reply.close()
    alerts.resolve(incident.id, bots, "olga", NOW + 4 * MINUTE)
    reply = client.get(STREAM, headers=headers | {"Last-Event-ID": str(read.last_id)})
    again = Stream(reply.iter_encoded())
    (over,) = again.next(1)
    reply.close()

    begun = next(frame for frame in frames if frame["alert_id"] == incident.id)
    assert set(read.events) <= {"alert:new", "alert:resolved"}
    assert (begun["id"], begun["rule"], begun["severity"]) == (incident.id, "bot_down", "high")
    assert again.events == ["alert:resolved"]
    assert (over["alert_id"], over["resolved_by"], over["bot"]) == (incident.id, "olga", "shop")


def test_stream_tells_no_alert_of_a_bot_that_is_not_the_readers(client: FlaskClient, bots: list[int]) -> None:
    go_down(bots[0])
    go_down(bots[1])
    reply = client.get(STREAM, headers=read_token("news"))
    read = Stream(reply.iter_encoded())

    assert {frame["bot"] for frame in read.next(1)} == {"news"}
    reply.close()


def test_page_says_when_nothing_is_wrong(client: FlaskClient, bots: list[int]) -> None:
    page = browser(client, "victor").get("/alerts").text

    assert "Nothing is wrong" in page


def test_hostile_text_of_a_bot_is_harmless_on_the_page(client: FlaskClient, bots: list[int]) -> None:
    hostile = {"<b>db\u202e</b>": {"status": "fail", "message": "<script>alert(1)</script>\x1b[31m"}}
    watch(NOW, NOW + 2 * MINUTE, beating=bots[0], step=20 * SECOND, checks=hostile)

    page = browser(client, "olga").get("/alerts").text

    assert alerts.active(bots, NOW).count == 1
    assert "<script>alert" not in page and "<b>db" not in page
    assert "\u202e" not in page and "\x1b" not in page
