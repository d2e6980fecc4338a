"""Bad input over HTTP: each gets the right answer, naming the place, and nothing of it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from botwatch_collector import db, models

from ..collector.bad_batches import BAD, GOOD, HEADER, NDJSON, Bad, lines
from ..collector.server import Server


@dataclass(frozen=True)
class Target:
    """A collector with Alice's bot; `others` are tokens that must not do."""

    server: Server
    database_url: str
    token: str
    others: dict[str, str]

    def post(self, body: bytes, headers: dict[str, str]) -> requests.Response:
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": NDJSON} | headers
        return requests.post(f"{self.server.url}/api/events", body, headers=given, timeout=60)

    def stored(self) -> int:
        opened = db.connect(self.database_url)
        with db.connected():
            count = sum(table.select().count() for table in (models.Message, models.Sample, models.Heartbeat))
        opened.close_all()
        return count


@pytest.fixture(scope="module")
def target(module_database_url: str) -> Iterator[Target]:
    with Server(module_database_url) as server:
        token = server.add_bot("alice")
        server.add_bot("somebody-else")
        revoked = server.command("token", "add", "--scope", "ingest", "--bot", "alice")
        server.command("token", "revoke", revoked[-4:])
        others = {
            "revoked token": revoked,
            "token with a typing error": token[:-1] + ("0" if token[-1] != "0" else "1"),
            "token of nobody": "bw_i_" + "0" * 38,
            "no token at all": "hello",
            "read token": server.add_read_token(),
        }
        yield Target(server, module_database_url, token, others)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_batch_is_refused_and_nothing_of_it_stored(target: Target, bad: Bad) -> None:
    answer = target.post(bad.body, bad.headers)

    assert answer.status_code == bad.status
    error = answer.json()["error"]
    assert error["code"]
    assert error.get("at") == bad.at
    assert len(error["message"]) < 400
    assert target.stored() == 0


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("revoked token", 401),
        ("token with a typing error", 401),
        ("token of nobody", 401),
        ("no token at all", 401),
        ("read token", 403),
    ],
)
def test_wrong_token_is_refused(target: Target, who: str, status: int) -> None:
    answer = target.post(lines(HEADER, GOOD), {"Authorization": f"Bearer {target.others[who]}"})

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert target.stored() == 0


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "bw_i_x"])
def test_broken_authorization_is_refused(target: Target, authorization: str) -> None:
    answer = target.post(lines(HEADER, GOOD), {"Authorization": authorization})

    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert target.stored() == 0


def test_token_in_the_address_does_not_count(target: Target) -> None:
    address = f"{target.server.url}/api/events?token={target.token}"

    assert (
        requests.post(address, lines(HEADER, GOOD), headers={"Content-Type": NDJSON}, timeout=60).status_code
        == 401
    )


def test_other_methods_are_refused(target: Target) -> None:
    answer = requests.get(f"{target.server.url}/api/events", timeout=60)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_body_without_a_length_is_capped_too(target: Target) -> None:
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": NDJSON}
    endless = (b" " * 65_536 for _ in range(64))

    try:
        status = requests.post(
            f"{target.server.url}/api/events", endless, headers=headers, timeout=60
        ).status_code
    except requests.ConnectionError:
        # The collector may hang up on what it will not read.
        status = 413
    assert status == 413
    assert target.stored() == 0
