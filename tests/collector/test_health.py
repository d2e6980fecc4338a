"""The health endpoints: what they ask, and what they say when it fails."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from botwatch_collector import db
from botwatch_collector.app import create_app
from botwatch_collector.config import Config
from botwatch_collector.lifecycle import stopping


@pytest.fixture
def client(database_url: str) -> Iterator[FlaskClient]:
    app = create_app(Config(database=database_url, threads=4))
    yield app.test_client()
    db.database.close_all()
    stopping.clear()


def verbose(client: FlaskClient) -> str:
    return client.get("/readyz?verbose").text


def test_ready_collector_says_so(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in ("/livez", "/readyz", "/healthz")] == [200, 200, 200]
    assert client.get("/readyz").text == "ok\n"
    passed = ("process", "database", "schema", "intact", "ingest")
    assert verbose(client) == "".join(f"[+]{name} ok\n" for name in passed) + "ok\n"
    assert client.get("/healthz").json == {
        "status": "ok",
        "checks": dict.fromkeys(passed, "ok"),
    }


def test_database_that_is_away_makes_it_unready_but_alive(client: FlaskClient) -> None:
    db.database.close_all()
    db.connect("postgresql://nobody:hidden@127.0.0.1:1/none")

    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert "[-]database failed" in verbose(client)
    reply = client.get("/healthz")
    assert reply.status_code == 503 and reply.get_json()["status"] == "fail"
    assert "hidden" not in reply.text


def test_schema_of_an_older_version_makes_it_unready(client: FlaskClient) -> None:
    with db.connected():
        db.database.execute_sql("DELETE FROM migration")
    assert "[+]database ok\n[-]schema failed\n" in verbose(client)


def test_process_that_ends_is_unready_but_alive(client: FlaskClient) -> None:
    stopping.set()
    assert client.get("/readyz").status_code == 503
    assert "[-]process failed" in verbose(client)
    assert client.get("/livez").status_code == 200
