"""Presence over HTTP: what is answered and streamed, to whom, and that who hides is hidden everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient

from botwatch_collector import clock, db
from botwatch_collector.access import accounts, logins, tokens
from botwatch_collector.api.operations import OPERATIONS
from botwatch_collector.clock import HOUR, MINUTE
from botwatch_collector.config import Limits
from botwatch_collector.models import Bot
from botwatch_collector.pages.base import MENU

from .oracle import Said, put
from .reading import Reading, reading
from .streams import Stream, be, let_streams_end

NOW = clock.now()
HID_AT = NOW - 7 * MINUTE
TRACES = ("sesame-message", "/sesame-page", "sesame-device", clock.iso(HID_AT)[:-5])
STREAM = "/api/monitoring/stream?channels=presence"
SETTINGS = "/api/users/presence/settings"
READ = [one for one in OPERATIONS if one.access == "read" and one.media_type != "text/event-stream"]
PASSWORD = "correct horse battery"


def fill(alice_bot: int, mallory_bot: int) -> None:
    """Alice's bot knows Ann, who is there, Hal, who has hidden since, and Odo, who has gone."""
    be(alice_bot, NOW, user="ann", received_at=NOW, status="online", message="at work", user_name="Ann")
    be(alice_bot, NOW, user="a/b?c", received_at=NOW, status="dnd")
    secret = {"message": TRACES[0], "page": TRACES[1], "device": TRACES[2], "typing": True}
    be(alice_bot, HID_AT, user="hal", received_at=HID_AT, status="busy", **secret)
    be(alice_bot, NOW - MINUTE, user="hal", received_at=NOW - MINUTE, show_status=False)
    be(alice_bot, NOW - 2 * HOUR, user="odo", received_at=NOW - 2 * HOUR, status="offline")
    be(mallory_bot, NOW, user="mia", received_at=NOW, status="away")
    put([Said(NOW - 2 * MINUTE, user_id=user, bot=alice_bot) for user in ("ann", "hal")], instance="chat")
    accounts.add("olga", PASSWORD, "operator", NOW)
    accounts.add("victor", PASSWORD, "viewer", NOW)


@pytest.fixture(scope="module")
def api(shared_database_url: str) -> Iterator[Reading]:
    with at_the_beginning(), reading(shared_database_url, fill) as opened:
        yield opened
        let_streams_end()


@contextmanager
def at_the_beginning() -> Iterator[None]:
    """NOW was when the tests were collected, which may be long ago; here it is now."""
    late_ms, real = clock.now() - NOW, clock.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: real() - late_ms)
        yield


def streamed(api: Reading, count: int, query: str = "", token: str | None = None) -> tuple[Stream, list[Any]]:
    """The stream from its beginning, read up to so many frames, and these."""
    reply = api.ask(f"{STREAM}&last_event_id=0{query}", token)
    assert reply.status_code == 200, reply.json
    read = Stream(reply.iter_encoded())
    frames = read.next(count)
    reply.close()
    return read, frames


def ingest_token(bot: int) -> dict[str, str]:
    with db.connected():
        secret = tokens.add("ingest", clock.now(), bot=Bot.get_by_id(bot))[1]
    return {"Authorization": f"Bearer {secret}"}


def browser(api: Reading, username: str) -> FlaskClient:
    client = api.client.application.test_client()
    with db.connected():
        secret = logins.log_in(username, PASSWORD, "127.0.0.1", Limits(), clock.now())
    with client.session_transaction() as session:
        session["login"] = secret
    return client


def test_users_online_are_seen_last_first(api: Reading) -> None:
    body = api.json("/api/status/users/online?bot=alice-bot")

    assert body["count"] == 2
    assert [(one["userId"], one["online_status"]) for one in body["users"]] == [
        ("a/b?c", "dnd"),
        ("ann", "online"),
    ]
    assert api.json("/api/status/users/online?bot=alice-bot&limit=1")["count"] == 2


@pytest.mark.parametrize("path", ["/api/users/presence/{}", "/api/status/users/{}/presence"])
def test_one_user_is_told_by_either_path(api: Reading, path: str) -> None:
    ann = api.json(path.format("ann"))

    assert (ann["userId"], ann["online_status"], ann["custom_message"]) == ("ann", "online", "at work")
    assert (ann["show_status"], ann["last_seen"]) == (True, clock.iso(NOW))
    assert api.json(path.format("a%2Fb%3Fc"))["online_status"] == "dnd"
    assert api.json(path.format("odo"))["last_seen_text"] == "2 hours ago"
    assert api.ask(path.format("nobody")).status_code == 404
    assert api.ask(path.format("x%00")).status_code == 400


def test_token_of_one_bot_sees_its_users_alone(api: Reading) -> None:
    body = api.json("/api/status/users/online", api.mallory)

    assert [one["userId"] for one in body["users"]] == ["mia"]
    assert api.ask("/api/users/presence/ann", api.mallory).status_code == 404
    assert api.ask(f"{SETTINGS}?userId=ann", api.mallory).status_code == 404
    _, (frame,) = streamed(api, 1, token=api.mallory)
    assert frame["user_id"] == "mia"


def test_stream_tells_each_change_with_its_name(api: Reading) -> None:
    read, (ann, _, hal) = streamed(api, 3, "&bot=alice-bot")

    assert read.events == ["presenceUpdate"] * 3
    assert ann == {
        "id": ann["id"],
        "kind": "presence",
        "bot": "alice-bot",
        "user_id": "ann",
        "user_name": "Ann",
        "timestamp": clock.iso(NOW),
        "online_status": "online",
        "last_seen": clock.iso(NOW),
        "custom_message": "at work",
        "current_page": None,
        "device": None,
        "show_status": True,
    }
    assert (hal["user_id"], hal["show_status"], hal["online_status"], hal["last_seen"]) == (
        "hal",
        False,
        None,
        None,
    )


def test_stream_goes_on_exactly_where_it_was_and_by_user(api: Reading) -> None:
    first, begun = streamed(api, 1)
    _, ann = streamed(api, 1, "&user=ann")
    reply = api.client.get(
        STREAM, headers={"Authorization": f"Bearer {api.alice}", "Last-Event-ID": str(first.last_id)}
    )
    again = Stream(reply.iter_encoded())

    assert [frame["user_id"] for frame in again.next(3)] == ["a/b?c", "hal", "mia"]
    assert begun == ann
    reply.close()


def test_typing_is_a_frame_of_its_own(api: Reading) -> None:
    at = clock.now()
    with db.connected():
        be(api.mallory_bot, at, user="tim", received_at=at, status="online", typing=True)
    read, (_, typing) = streamed(api, 2, "&user=tim")

    assert read.events == ["presenceUpdate", "user_typing"]
    assert (typing["typing"], typing["until"]) == (True, clock.iso(at + 10_000))


@pytest.mark.parametrize("operation", READ, ids=lambda one: one.path)
def test_who_hides_is_in_no_answer(api: Reading, operation: Any) -> None:
    dashboard = api.json("/api/monitoring/dashboard")
    (said,) = [one for one in dashboard["feed"] if one["user_id"] == "hal"]
    number = dashboard["bots"][0]["instances"][0]["id"]
    path = operation.path.format(user_id="hal", message_id=said["id"], number=number)
    body = api.ask(f"{path}?format=json&limit=100&userId=hal&id=hal&q=hal")

    assert body.status_code == 200
    assert [trace for trace in TRACES if trace in body.text] == []


def test_who_hides_was_last_seen_never_wherever_people_are_listed(api: Reading) -> None:
    paths = ("/api/analytics/users", "/api/monitoring/active-users", "/api/search?q=hal", "/api/search?q=ann")
    found = [one for path in paths for one in api.json(path)["users"]]

    assert {(one["user_id"], one["last_seen"]) for one in found} == {
        ("hal", None),
        ("ann", clock.iso(NOW - 2 * MINUTE)),
    }


def test_who_hides_is_on_no_page(api: Reading) -> None:
    client = browser(api, "olga")
    pages = [page.path for page in MENU] + ["/monitoring/users", "/search?q=hal"]
    for path in pages:
        page = client.get(path)
        assert (page.status_code, [trace for trace in TRACES if trace in page.text]) == (200, []), path


def test_application_hides_its_user_and_shows_them_again(api: Reading) -> None:
    headers = ingest_token(api.mallory_bot)
    hidden = api.client.patch(SETTINGS, json={"userId": "mia", "show_online_status": False}, headers=headers)

    assert hidden.json == {"userId": "mia", "show_online_status": False}
    assert api.json("/api/users/presence/mia")["online_status"] is None
    shown = api.client.patch(SETTINGS, json={"userId": "mia", "show_online_status": True}, headers=headers)
    assert shown.json == api.json(f"{SETTINGS}?userId=mia") == {"userId": "mia", "show_online_status": True}
    assert api.json("/api/users/presence/mia")["online_status"] == "away"


def test_strangers_may_not_change_settings(api: Reading) -> None:
    asked = {"userId": "ann", "show_online_status": False}
    read_only = {"Authorization": f"Bearer {api.alice}"}

    assert api.client.patch(SETTINGS, json=asked).status_code == 400, "no token against forgery"
    assert api.client.patch(SETTINGS, json=asked, headers=read_only).status_code == 403
    other = ingest_token(api.mallory_bot)
    assert api.client.patch(f"{SETTINGS}?bot=alice-bot", json=asked, headers=other).status_code == 404
    assert browser(api, "olga").patch(SETTINGS, json=asked).status_code == 400
    assert api.json("/api/users/presence/ann")["online_status"] == "online"


@pytest.mark.parametrize(("username", "status"), [("olga", 200), ("victor", 403)])
def test_operator_may_change_settings(api: Reading, username: str, status: int) -> None:
    client = browser(api, username)
    page = client.get("/settings").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    asked = {"userId": "ann", "show_online_status": True}

    reply = client.patch(SETTINGS, json=asked, headers={"X-CSRFToken": token})

    assert reply.status_code == status


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b"{", "body"),
        (b"\xff", "body"),
        (b'{"userId":"ann"}', "body"),
        (b'{"userId":5,"show_online_status":true}', "body.userId"),
        (b'{"userId":"","show_online_status":true}', "body.userId"),
        (b'{"userId":"a\\u0000","show_online_status":true}', "body.userId"),
        (b'{"userId":"ann","show_online_status":"no"}', "body.show_online_status"),
    ],
)
def test_wrong_settings_name_the_place(api: Reading, body: bytes, at: str) -> None:
    reply = api.client.patch(SETTINGS, data=body, headers=ingest_token(api.mallory_bot))

    assert (reply.status_code, reply.json["error"]["at"]) == (400, at)  # type: ignore[index]
