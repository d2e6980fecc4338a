"""Logging in and out, and what stands before every view."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from botwatch_collector import db, guard
from botwatch_collector.access import accounts, bots, tokens
from botwatch_collector.app import create_app
from botwatch_collector.clock import now
from botwatch_collector.config import Config, Limits
from botwatch_collector.models import Login
from botwatch_collector.pages.login import is_local
from botwatch_collector.security import HEADERS

PASSWORD = "correct horse battery"

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(database_url: str) -> Iterator[MakeApp]:
    """Makes applications over one database, as its workers would; Alice is an admin, Bob a viewer."""
    db.connect(database_url)
    with db.connected():
        accounts.add("alice", PASSWORD, "admin", now())
        accounts.add("bob", PASSWORD, "viewer", now())
    db.database.close_all()
    opened = []

    def make(limits: Limits | None = None, **settings: Any) -> Flask:
        app = create_app(Config(database=database_url, threads=4, limits=limits or Limits(), **settings))
        opened.append(db.database.obj)
        app.register_blueprint(views())
        return app

    yield make
    for database in opened:
        database.close_all()


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app().test_client()


def views() -> Blueprint:
    """One of each kind."""
    blueprint = Blueprint("test_views", __name__)

    @blueprint.get("/test/page")
    @guard.requires_login()
    def page() -> str:
        account = guard.reader().account
        return account.username if account else ""

    @blueprint.route("/test/admin", methods=["GET", "POST"])
    @guard.requires_login("admin")
    def admin() -> str:
        return "done"

    @blueprint.get("/test/form")
    @guard.requires_login()
    def form() -> str:
        return generate_csrf()

    @blueprint.get("/api/test/bots")
    @guard.requires_reader
    def readable() -> list[str]:
        return [bot.name for bot in guard.reader().bots()]

    @blueprint.post("/api/test/ingest")
    @guard.requires_scope("ingest")
    def ingest() -> str:
        return "taken"

    return blueprint


def csrf_token(client: FlaskClient, page: str = "/login") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


def log_in(
    client: FlaskClient, username: str = "alice", password: str = PASSWORD, **more: str
) -> TestResponse:
    form = {"csrf_token": csrf_token(client), "username": username, "password": password, **more}
    return client.post("/login", data=form)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def make_token(scope: str = "read", bot: str | None = None) -> tuple[tokens.Token, str]:
    with db.connected():
        return tokens.add(scope, now(), bot=bots.named(bot) if bot else None)


def test_alice_gets_in_and_out(client: FlaskClient) -> None:
    client.get("/login")
    reply = log_in(client)
    assert (reply.status_code, reply.location) == (302, "/")
    assert client.get("/test/page").text == "alice"
    assert client.get("/login").location == "/"
    with client.session_transaction() as session:
        assert "csrf_token" not in session, "what the session held before is gone"


def test_logout_ends_the_login_on_the_server(client: FlaskClient) -> None:
    log_in(client)
    stolen = client.get_cookie("botwatch")
    assert stolen is not None
    token = fresh_csrf_token(client)

    assert client.post("/logout", data={"csrf_token": token}).location == "/login"

    client.set_cookie("botwatch", stolen.value)
    assert client.get("/test/page").status_code == 302
    with db.connected():
        assert Login.select().count() == 0


def test_answer_under_way_at_logout_brings_no_cookie_back(client: FlaskClient) -> None:
    log_in(client)
    assert "Set-Cookie" not in client.get("/").headers


def test_wrong_password_and_unknown_name_get_the_same_answer(client: FlaskClient) -> None:
    wrong = log_in(client, "alice", "wrong password")
    unknown = log_in(client, "mallory", "wrong password")

    assert wrong.status_code == unknown.status_code == 401
    assert same_for(wrong.text, "alice") == same_for(unknown.text, "mallory")
    assert client.get("/test/page").status_code == 302


def same_for(page: str, name: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page).replace(name, "NAME")


def test_form_without_its_token_is_refused(client: FlaskClient) -> None:
    client.get("/login")
    refused = client.post("/login", data={"username": "alice", "password": PASSWORD})
    assert refused.status_code == 400
    assert "Please try again" in refused.text
    assert client.get("/test/page").status_code == 302

    log_in(client)
    assert client.post("/test/admin").status_code == 400
    assert client.post("/logout").status_code == 400
    assert client.get("/test/page").status_code == 200


def test_forged_token_of_another_session_is_refused(make_app: MakeApp) -> None:
    app = make_app()
    mallory, alice = app.test_client(), app.test_client()
    log_in(alice)
    assert alice.post("/test/admin", data={"csrf_token": csrf_token(mallory)}).status_code == 400
    assert alice.post("/test/admin", data={"csrf_token": fresh_csrf_token(alice)}).text == "done"


def fresh_csrf_token(client: FlaskClient) -> str:
    """Of somebody who is logged in, whom /login doesn't show its form."""
    return client.get("/test/form").text


def test_throttle_holds_over_two_workers(make_app: MakeApp) -> None:
    limits = Limits(login_failures_per_username=4)
    clients = [make_app(limits).test_client() for _ in range(2)]
    for number in range(4):
        assert log_in(clients[number % 2], "alice", "wrong password").status_code == 401

    for client in clients:
        throttled = log_in(client)
        assert throttled.status_code == 429
        assert 0 < int(throttled.headers["Retry-After"]) <= 15 * 60
        assert "Wait" in throttled.text


def test_addresses_are_those_that_a_trusted_proxy_tells(make_app: MakeApp) -> None:
    limits = Limits(login_failures_per_address=1)
    behind, open_to_all = make_app(limits, trusted_proxies=1), make_app(limits)

    def statuses(app: Flask, forwarded: str) -> int:
        client = app.test_client()
        form = {"csrf_token": csrf_token(client), "username": "mallory", "password": "wrong password"}
        return client.post("/login", data=form, headers={"X-Forwarded-For": forwarded}).status_code

    assert [statuses(behind, address) for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")] == [
        401,
        401,
        429,
    ]
    # The last address is the proxy's own word, those before it are the caller's.
    assert statuses(behind, "198.51.100.1, 192.0.2.2") == 429
    assert [statuses(open_to_all, address) for address in ("192.0.2.3", "192.0.2.4")] == [401, 429]


def test_cookie_is_out_of_reach(make_app: MakeApp) -> None:
    plain = log_in(make_app().test_client()).headers["Set-Cookie"]
    assert plain.startswith("botwatch=")
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain and "Domain" not in plain

    client = make_app(public_url="https://watch.example.org").test_client()
    base = "https://watch.example.org"
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login", base_url=base).text)
    assert found
    form = {"csrf_token": found[1], "username": "alice", "password": PASSWORD}
    reply = client.post("/login", data=form, base_url=base)
    secure = reply.headers["Set-Cookie"]
    assert secure.startswith("__Host-botwatch=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(secure.split("; "))
    assert reply.headers["Strict-Transport-Security"].startswith("max-age=")


def test_cookie_holds_no_secret_of_the_database(client: FlaskClient) -> None:
    log_in(client)
    with client.session_transaction() as session:
        secret = session["login"]
    with db.connected():
        assert secret not in Login.get().hash


def test_login_leads_on_to_the_page_that_was_wanted(client: FlaskClient) -> None:
    led = client.get("/test/page?bot=alpha")
    assert (led.status_code, led.location) == (302, "/login?next=/test/page?bot%3Dalpha")
    assert log_in(client, next="/test/page?bot=alpha").location == "/test/page?bot=alpha"


ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "///evil.example",
    " //evil.example",
    "",
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_redirect_stays_here(wanted: str) -> None:
    assert not is_local(wanted)


def test_login_does_not_lead_elsewhere(client: FlaskClient) -> None:
    assert log_in(client, next="//evil.example").location == "/"
    assert client.get("/login?next=https://evil.example").location == "/"


def test_bob_may_look_but_not_change(client: FlaskClient) -> None:
    log_in(client, "bob")
    assert client.get("/test/page").text == "bob"
    assert client.get("/test/admin").status_code == 403


def test_stranger_is_led_to_the_login_page_and_may_post_nothing(client: FlaskClient) -> None:
    assert client.get("/test/page").location == "/login?next=/test/page"
    token = csrf_token(client)
    assert client.post("/test/admin", data={"csrf_token": token}).status_code == 401


def test_every_answer_has_the_headers(client: FlaskClient) -> None:
    for path in ("/login", "/nowhere", "/livez", "/api/whoami", "/test/page"):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
        assert headers["Cache-Control"] == "no-store"
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_browser_keeps_a_style_until_it_changes(client: FlaskClient) -> None:
    page = client.get("/login").text
    address = re.search(r"/static/css/base\.css\?v=[0-9a-f]+", page)
    assert address is not None

    with client.get(address[0]) as present, client.get(f"{address[0]}0") as other:
        assert present.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert other.headers["Cache-Control"] == "no-cache"
    assert client.get("/static/css/none.css?v=1").status_code == 404


def test_hostile_name_is_shown_as_text(client: FlaskClient) -> None:
    page = log_in(client, '"><script>alert(1)</script>', "wrong password").text
    assert "<script>alert" not in page


def test_reader_is_a_read_token_or_a_login(client: FlaskClient) -> None:
    with db.connected():
        bots.add("alpha", now())
        bots.add("beta", now())
    assert client.get("/api/test/bots").status_code == 401
    assert client.get("/api/test/bots", headers=bearer(make_token()[1])).json == ["alpha", "beta"]
    assert client.get("/api/test/bots", headers=bearer(make_token(bot="beta")[1])).json == ["beta"]
    assert client.get("/api/test/bots", headers=bearer(make_token("ingest", "beta")[1])).status_code == 403

    log_in(client)
    assert client.get("/api/test/bots").json == ["alpha", "beta"]
    # A bad token isn't made up for by a good cookie.
    assert client.get("/api/test/bots", headers=bearer("bw_r_bad")).status_code == 401


def test_revoked_token_is_refused_by_every_worker_at_once(make_app: MakeApp) -> None:
    clients = [make_app().test_client() for _ in range(2)]
    token, secret = make_token()
    asked = [client.get("/api/test/bots", headers=bearer(secret)).status_code for client in clients]
    with db.connected():
        tokens.revoke(token, now())
    asked += [client.get("/api/test/bots", headers=bearer(secret)).status_code for client in clients]
    assert asked == [200, 200, 401, 401]


def test_token_counts_in_its_header_only(client: FlaskClient) -> None:
    secret = make_token()[1]
    for path in (f"/api/test/bots?token={secret}", f"/api/test/bots?access_token={secret}"):
        assert client.get(path).status_code == 401
    client.set_cookie("token", secret)
    assert client.get("/api/test/bots").status_code == 401
    for header in (secret, f"Basic {secret}", "Bearer", "Bearer ", f"Token {secret}"):
        refused = client.get("/api/test/bots", headers={"Authorization": header})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_program_needs_no_form_token_and_no_cookie_helps(client: FlaskClient) -> None:
    with db.connected():
        bots.add("alpha", now())
    assert client.post("/api/test/ingest", headers=bearer(make_token("ingest", "alpha")[1])).text == "taken"
    assert client.post("/api/test/ingest", headers=bearer(make_token()[1])).status_code == 403
    log_in(client)
    assert client.post("/api/test/ingest").status_code == 401


def test_whoami_tells_scope_bot_and_time(client: FlaskClient) -> None:
    with db.connected():
        bots.add("alpha", now())
    before = now()
    answers = [
        client.get("/api/whoami", headers=bearer(make_token(scope, bot)[1])).get_json()
        for scope, bot in (("ingest", "alpha"), ("read", None), ("read", "alpha"))
    ]
    assert [(answer["scope"], answer["bot"]) for answer in answers] == [
        ("ingest", "alpha"),
        ("read", None),
        ("read", "alpha"),
    ]
    assert all(before <= answer["time"] <= now() for answer in answers)


def test_large_form_is_refused(client: FlaskClient) -> None:
    assert log_in(client, "alice", "x" * (64 << 10)).status_code == 413
