"""A Flask webhook bot under real HTTP: rightly signed requests are recorded, forged ones are not."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
import requests
from werkzeug import Request, Response
from werkzeug.serving import make_server

import botwatch
from botwatch.integrations import attach

from .conftest import eventually
from .telegram_double import TOKEN, BotApi

SECRET = "the app's secret"


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves WSGI apps; gives the address of each."""
    running = []

    def start(app: Any) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def messenger_event(text: str | None, user: str = "42", mid: str = "m1", **more: Any) -> dict[str, Any]:
    message = {"mid": mid, **({"text": text} if text else {}), **more}
    stamp = round(time.time() * 1000) - 5000
    event = {"sender": {"id": user}, "recipient": {"id": "page"}, "timestamp": stamp, "message": message}
    return {"object": "page", "entry": [{"id": "page", "messaging": [event]}]}


def post_signed(url: str, payload: Any, secret: str = SECRET, **options: Any) -> requests.Response:
    body = json.dumps(payload).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
    return requests.post(f"{url}/webhook", body, headers=headers, timeout=10, **options)


@pytest.fixture
def echo(agent) -> flask.Flask:
    """A bot that answers in the response itself, after 50 ms."""
    app = flask.Flask("echo")

    @app.post("/webhook")
    def webhook() -> Any:
        event = flask.request.get_json()["entry"][0]["messaging"][0]
        time.sleep(0.05)
        return {"text": f"you said {event['message'].get('text')}"}

    attach(app, agent, secret=SECRET)
    return app


def test_signed_message_and_its_answer_are_recorded(echo, serve, collector):
    answer = post_signed(serve(echo), messenger_event("hello"))

    assert answer.json() == {"text": "you said hello"}
    eventually(lambda: len(collector.messages()) == 2)
    asked, answered = collector.messages()
    assert (asked["direction"], asked["user_id"], asked["text"]) == ("in", "42", "hello")
    assert (answered["direction"], answered["user_id"], answered["text"]) == ("out", "42", "you said hello")
    assert asked["channel"] == answered["channel"] == "page"
    assert 50 <= answered["response_ms"] < 4000
    assert 5050 <= answered["wait_ms"] < 20_000


@pytest.mark.parametrize("headers", [{}, {"X-Hub-Signature-256": "sha256=" + "0" * 64}])
def test_forged_message_is_counted_and_not_recorded(echo, serve, agent, collector, headers):
    url = serve(echo)

    forged = requests.post(f"{url}/webhook", json=messenger_event("forged"), headers=headers, timeout=10)
    post_signed(url, messenger_event("other key", mid="m2"), secret="another")
    post_signed(url, messenger_event("true", mid="m3"))

    assert forged.status_code == 200, "the app's own outcome stays"
    eventually(lambda: len(collector.messages()) == 2)
    assert [m["text"] for m in collector.messages()] == ["true", "you said true"]
    assert agent.stats()["forged_requests"] == 2


def test_app_attached_twice_records_answers_once(echo, agent, serve, collector):
    attach(echo, agent, secret=SECRET)
    url = serve(echo)

    for number in range(2):
        post_signed(url, messenger_event("hello", mid=f"m{number}"))

    assert agent.flush(30)
    assert [m["text"] for m in collector.messages()] == ["hello", "you said hello"] * 2


def test_message_that_the_view_records_itself_gets_the_turns_times(agent, serve, collector):
    app = flask.Flask("by hand")

    @app.post("/webhook")
    def webhook() -> dict[str, str]:
        time.sleep(0.05)
        agent.message(direction="out", user_id="42", text="by hand")
        agent.message(direction="out", user_id="7", text="to another")
        return {"text": "not one more"}

    attach(app, agent, secret=SECRET)
    post_signed(serve(app), messenger_event("hello"))

    assert agent.flush(30)
    _, answered, told = collector.messages()
    assert answered["text"] == "by hand"
    assert answered["response_ms"] >= 50 and answered["wait_ms"] >= 5050
    assert (told["text"], told.get("response_ms"), told.get("wait_ms")) == ("to another", None, None)


def test_message_delivered_again_is_recorded_once(echo, serve, collector):
    url, event = serve(echo), messenger_event("hello")

    post_signed(url, event)
    post_signed(url, event)

    eventually(lambda: len(collector.messages()) == 3)
    assert [m["text"] for m in collector.messages() if m["direction"] == "in"] == ["hello"]


def test_echoes_receipts_and_other_paths_are_no_messages(echo, serve, collector):
    url = serve(echo)
    receipt = messenger_event("x", mid="m2")
    receipt["entry"][0]["messaging"][0]["read"] = receipt["entry"][0]["messaging"][0].pop("message")

    post_signed(url, messenger_event("echo", is_echo=True))
    assert post_signed(url, receipt).status_code == 500
    assert post_signed(f"{url}/elsewhere", messenger_event("elsewhere")).status_code == 404
    post_signed(url, messenger_event(None, mid="m4", attachments=[{"type": "image"}]))

    eventually(lambda: len(collector.messages()) == 2)
    assert [m["text"] for m in collector.messages()] == ["[image]", "you said None"]


def test_body_is_left_to_the_app_in_every_way_of_reading(agent, serve, collector):
    app = flask.Flask("readers")
    seen = []

    @app.post("/webhook")
    def webhook() -> str:
        how = flask.request.args["how"]
        seen.append(flask.request.stream.read() if how == "stream" else flask.request.get_data(cache=False))
        return ""

    attach(app, agent, secret=SECRET)
    url, event = serve(app), messenger_event("hello")

    post_signed(url, event, params={"how": "stream"})
    post_signed(url, event, params={"how": "data"})

    assert seen == [json.dumps(event).encode()] * 2


def test_too_long_body_is_refused_by_the_app_alone(agent, serve):
    app = flask.Flask("careful")
    app.config["MAX_CONTENT_LENGTH"] = 100
    app.add_url_rule("/webhook", view_func=lambda: flask.request.get_json() and "", methods=["POST"])
    attach(app, agent, secret=SECRET)

    assert post_signed(serve(app), messenger_event("x" * 200)).status_code == 413


def test_broken_json_reaches_the_app_and_nothing_else(agent, serve, collector):
    app = flask.Flask("broken")
    app.add_url_rule("/webhook", view_func=lambda: flask.request.get_data(), methods=["POST"])
    attach(app, agent, secret=SECRET)
    signature = "sha256=" + hmac.new(SECRET.encode(), b"{", hashlib.sha256).hexdigest()

    answer = requests.post(
        f"{serve(app)}/webhook", b"{", headers={"X-Hub-Signature-256": signature}, timeout=10
    )

    assert (answer.status_code, answer.content) == (200, b"{")
    assert collector.messages() == []


def test_reply_sent_through_an_attached_session_is_recorded(agent, serve, collector):
    """Messenger's own way: the bot calls the Graph API while it handles the webhook."""
    sent = []

    @Request.application
    def graph(request: Request) -> Response:
        sent.append(request.get_json())
        return Response('{"recipient_id": "42", "message_id": "m"}', content_type="application/json")

    graph_url, session, app = serve(graph), requests.Session(), flask.Flask("bot")

    @app.post("/webhook")
    def webhook() -> dict[str, str]:
        event = flask.request.get_json()["entry"][0]["messaging"][0]
        message = {"recipient": event["sender"], "message": {"text": f"hello {event['message']['text']}"}}
        session.post(f"{graph_url}/v21.0/me/messages", json=message, timeout=10)
        return {"text": "EVENT_RECEIVED"}

    attach(app, agent, secret=SECRET)
    attach(session, agent)
    post_signed(serve(app), messenger_event("Alice"))
    session.close()

    assert len(sent) == 1
    eventually(lambda: len(collector.messages()) == 2)
    asked, answered = collector.messages()
    assert (asked["text"], answered["text"]) == ("Alice", "hello Alice")
    assert answered["user_id"] == "42" and answered["response_ms"] >= 0 and answered["wait_ms"] >= 5000


def test_reply_reported_by_the_handler_gets_its_times(agent, serve, collector):
    app = flask.Flask("reporting")

    @app.post("/webhook")
    def webhook() -> dict[str, str]:
        time.sleep(0.05)
        watched.reply("reported")
        watched.reply("to another", user_id="7")
        return {"text": "not one more"}

    watched = attach(app, agent, secret=SECRET)
    post_signed(serve(app), messenger_event("hello"))

    eventually(lambda: len(collector.messages()) == 3)
    _, answered, told = collector.messages()
    assert (answered["user_id"], answered["text"]) == ("42", "reported")
    assert answered["response_ms"] >= 50 and answered["wait_ms"] >= 5050
    assert (told["user_id"], told["text"], told.get("response_ms")) == ("7", "to another", None)


def test_telegram_webhook_is_known_by_its_secret_token(agent, serve, collector):
    app = flask.Flask("telegram")
    answer = {"method": "sendMessage", "chat_id": 7, "text": "hi Bob"}
    app.add_url_rule("/telegram", view_func=lambda: answer, methods=["POST"])
    attach(app, agent, secret="s3cret", provider="telegram", path="/telegram")
    message = {
        "message_id": 1,
        "date": int(time.time()) - 3,
        "from": {"id": 7, "is_bot": False, "first_name": "Bob"},
        "chat": {"id": 7, "type": "private", "first_name": "Bob"},
        "text": "hi",
    }
    url = serve(app)

    for token in ("wrong", "s3cret"):
        headers = {"X-Telegram-Bot-Api-Secret-Token": token}
        update = {"update_id": 1, "message": message}
        requests.post(f"{url}/telegram", json=update, headers=headers, timeout=10)

    eventually(lambda: len(collector.messages()) == 2)
    asked, answered = collector.messages()
    assert (asked["user_id"], asked["user_name"], asked["text"]) == ("7", "Bob", "hi")
    assert (answered["user_id"], answered["text"]) == ("7", "hi Bob")
    assert answered["wait_ms"] >= 3000


def test_telegram_call_through_an_attached_session_is_recorded(agent, collector):
    with BotApi() as api, requests.Session() as session:
        attach(session, agent)
        call = f"{api.url}/bot{TOKEN}"
        session.post(f"{call}/sendMessage", json={"chat_id": 7, "text": "hi"}, timeout=10).raise_for_status()
        session.post(f"{call}/sendMessage", data={"chat_id": 7, "text": "unreachable"}, timeout=10)
        session.post(f"{call}/sendChatAction", json={"chat_id": 7, "action": "typing"}, timeout=10)
        session.get(f"{call}/getMe", timeout=10)

    eventually(lambda: len(collector.messages()) == 1)
    assert (collector.messages()[0]["user_id"], collector.messages()[0]["text"]) == ("7", "hi")


def slack_event(text: str, stamp: str, kind: str = "message", **more: Any) -> bytes:
    event = {"type": kind, "user": "U1", "channel": "C1", "ts": stamp, "text": text, **more}
    return json.dumps({"type": "event_callback", "team_id": "T1", "event": event}).encode()


def slack_headers(body: bytes, age_s: float = 0) -> dict[str, str]:
    stamp = str(round(time.time() - age_s))
    signature = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}


@pytest.fixture
def slack(agent, serve) -> str:
    app = flask.Flask("slack")
    app.add_url_rule("/webhook", view_func=lambda: "", methods=["POST"])
    attach(app, agent, secret=SECRET, provider="slack")
    return serve(app) + "/webhook"


def test_slack_retries_mentions_and_bots_count_no_message_twice(slack, collector):
    sent_at = f"{time.time() - 2:.6f}"
    hello = slack_event("hello", sent_at)
    for body in (
        hello,
        hello,
        slack_event("hello", sent_at, "app_mention"),
        slack_event("mine", "1", bot_id="B"),
    ):
        requests.post(slack, body, headers=slack_headers(body), timeout=10)
    last = slack_event("last", f"{time.time():.6f}")
    requests.post(slack, last, headers=slack_headers(last), timeout=10)

    eventually(lambda: len(collector.messages()) == 2)
    assert [(m["text"], m["user_id"], m["channel"]) for m in collector.messages()] == [
        ("hello", "U1", "C1"),
        ("last", "U1", "C1"),
    ]


def test_slack_request_signed_long_ago_is_not_recorded(slack, collector):
    old, new = slack_event("replayed", "1"), slack_event("new", "2")
    requests.post(slack, old, headers=slack_headers(old, age_s=600), timeout=10)
    requests.post(slack, new, headers=slack_headers(new), timeout=10)

    eventually(lambda: len(collector.messages()) == 1)
    assert collector.messages()[0]["text"] == "new"


def test_slack_command_is_a_message(slack, collector):
    body = b"command=%2Fweather&text=in+Vienna&user_id=U1&user_name=alice&channel_id=C1&trigger_id=t1"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    requests.post(slack, body, headers=slack_headers(body) | kind, timeout=10)

    eventually(lambda: len(collector.messages()) == 1)
    assert (collector.messages()[0]["text"], collector.messages()[0]["user_name"]) == (
        "/weather in Vienna",
        "alice",
    )


def test_own_format_is_read_by_a_function(agent, serve, collector):
    app = flask.Flask("own")
    app.add_url_rule("/webhook", view_func=lambda: {"reply": "noted"}, methods=["POST"])
    attach(
        app,
        agent,
        secret=SECRET,
        provider=lambda payload: [{"user_id": payload["who"], "text": payload["what"]}],
    )

    post_signed(serve(app), {"who": 5, "what": "an order"})

    eventually(lambda: len(collector.messages()) == 2)
    assert [(m["user_id"], m["text"]) for m in collector.messages()] == [("5", "an order"), ("5", "noted")]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, TypeError),
        ({"secret": ""}, ValueError),
        ({"secret": "s", "provider": "carrier pigeon"}, ValueError),
    ],
)
def test_wrong_options_are_refused_at_attach(agent, options, error):
    with pytest.raises(error):
        attach(flask.Flask("wrong"), agent, **options)


def test_views_error_is_told_with_its_place(agent, serve, collector):
    app = flask.Flask("broken")

    @app.post("/webhook")
    def webhook() -> Any:
        raise LookupError("no such parcel")

    attach(app, agent, secret=SECRET)
    url = serve(app)
    answer = post_signed(url, messenger_event("hello"))
    forged = post_signed(url, messenger_event("hello"), secret="another")

    assert (answer.status_code, forged.status_code) == (500, 500)
    eventually(lambda: collector.activities("LookupError"))
    agent.flush()
    (told,) = collector.activities("LookupError")
    assert (told["entity_id"].rpartition(".")[2], told["user_id"]) == ("webhook", "42")
    assert told["details"]["place"] == f"{__file__}:{webhook.__code__.co_firstlineno + 2}"


def test_view_that_hangs_is_named(collector, serve, tmp_path):
    agent = botwatch.Agent()
    agent.start(collector.url, collector.token, spool_dir=tmp_path, linger_s=0.1, hanging_s=0.3)
    app, release = flask.Flask("slow"), threading.Event()

    @app.post("/webhook")
    def webhook() -> Any:
        release.wait(60)
        return {"text": "at last"}

    attach(app, agent, secret=SECRET)
    url = serve(app)
    asking = threading.Thread(target=post_signed, args=(url, messenger_event("hello")))
    asking.start()
    eventually(lambda: collector.activities("blocked"))
    release.set()
    asking.join()
    eventually(lambda: len(collector.activities("blocked")) == 2)
    agent.stop()

    hanging, over = collector.activities("blocked")
    assert (hanging["status"], over["status"], hanging["entity_type"]) == ("hanging", "over", "handler")
    assert hanging["details"]["place"] == f"{__file__}:{webhook.__code__.co_firstlineno + 2}"
