"""Three collectors over one PostgreSQL, behind nginx as the documentation sets it up: as right as one."""

import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from ..collector.nginx import documented_for_several, nginx
from ..collector.posting import post, post_until_answered
from ..collector.server import Server
from ..collector.streams import InBackground
from ..collector.test_streamer_process import THE_END, Follower, opened, stored_ids
from ..postgres import PostgresServer
from ..waiting import until
from .senders import BATCH, check_stored, sending, wait_for_more

PASSING = {"at", "from", "to", "start", "end", "timestamp", "uptime", "system", "health"}
PASSWORD = "correct horse battery"
ACCOUNT = {"BOTWATCH_ADMIN_USER": "alice", "BOTWATCH_ADMIN_PASSWORD": PASSWORD}
PAGES = ("/monitoring", "/analytics", "/settings")
ANSWERS = (
    "/debug/metrics",
    "/api/analytics/overview",
    "/api/analytics/timeline",
    "/api/monitoring/dashboard",
)


@dataclass(frozen=True)
class Scene:
    """`url` is the load balancer's."""

    database_url: str
    servers: Sequence[Server]
    url: str
    bot: str
    reader: str

    def ask(self, url: str, path: str) -> requests.Response:
        return requests.get(url + path, headers={"Authorization": f"Bearer {self.reader}"}, timeout=60)


@pytest.fixture(scope="module")
def scene(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    name = f"several_{uuid.uuid4().hex}"
    url = postgres.create(name, template="template")
    with ExitStack() as stack:
        stack.callback(postgres.drop, name)
        servers = [stack.enter_context(Server(url, ACCOUNT, workers=1)) for _ in range(3)]
        balancer = stack.enter_context(balanced(servers, tmp_path_factory.mktemp("nginx")))
        yield Scene(url, servers, balancer, servers[0].add_bot("shop"), servers[0].add_read_token())


def balanced(servers: Sequence[Server], folder: Path) -> Any:
    upstream, location = documented_for_several()
    for number, server in enumerate(servers, 1):
        upstream = upstream.replace(f"10.0.0.{number}:8400", server.url.removeprefix("http://"))
    assert "10.0.0" not in upstream
    return nginx(location, "unused", folder, upstream)


def figures(found: Any) -> Any:
    """Without what is of this moment, or of the process that answers."""
    if isinstance(found, dict):
        return {name: figures(value) for name, value in found.items() if name not in PASSING}
    return [figures(one) for one in found] if isinstance(found, list) else found


def counted(scene: Scene, server: Server) -> dict[str, float]:
    """What its /metrics says of events and jobs."""
    lines = scene.ask(server.url, "/metrics").text
    names = "botwatch_(?:messages|ingest_events|job_runs)_total"
    return {name: float(value) for name, value in re.findall(rf"^({names}\{{.*?\}}) (\S+)$", lines, re.M)}


def test_each_tells_and_streams_what_came_to_any(scene: Scene) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(server, scene.reader, cursor=0)) for server in scene.servers]
        for number, server in enumerate(scene.servers):
            post(server.url, scene.bot, 1 + 10 * number, 10, instance="roaming")
        told = [stream.next(30) for stream in streams]

    assert [data["message_text"] for data in told[0]] == [str(number) for number in range(1, 31)]
    assert told[0] == told[1] == told[2]
    for path in ANSWERS:
        first, *others = [figures(scene.ask(server.url, path).json()) for server in scene.servers]
        assert others == [first, first], path
    assert scene.ask(scene.servers[2].url, "/debug/metrics").json()["messages"]["total"] == 30

    until(lambda: counted(scene, scene.servers[0]) == counted(scene, scene.servers[1]))
    found = counted(scene, scene.servers[2])
    assert found['botwatch_messages_total{bot="shop",direction="in"}'] == 30
    assert found['botwatch_ingest_events_total{kind="message"}'] == 30


def test_login_is_good_on_each_and_ends_on_each(scene: Scene) -> None:
    first, second, third = (server.url for server in scene.servers)
    with requests.Session() as browser:
        form = browser.get(f"{first}/login", timeout=60).text
        (csrf,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        # The form of one may be sent to another.
        alice = {"csrf_token": csrf, "username": "alice", "password": PASSWORD}
        assert browser.post(f"{second}/login", data=alice, timeout=60).url == f"{second}/monitoring"
        for url in (first, second, third):
            for page in PAGES:
                reply = browser.get(url + page, timeout=60)
                assert (reply.status_code, reply.url) == (200, url + page)
        (csrf,) = set(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', reply.text))
        browser.post(f"{third}/logout", data={"csrf_token": csrf}, timeout=60)
        assert browser.get(f"{first}/settings", timeout=60).url.startswith(f"{first}/login")


def test_job_runs_once(scene: Scene) -> None:
    done = 'botwatch_job_runs_total{job="prune",result="done"}'
    until(lambda: done in counted(scene, scene.servers[0]))
    assert [counted(scene, server)[done] for server in scene.servers] == [1, 1, 1]


def test_rolling_restart_under_load_loses_and_doubles_nothing(scene: Scene) -> None:
    asked: Counter[int] = Counter()
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            asked[scene.ask(scene.url, "/debug/metrics").status_code] += 1

    followers = [Follower([scene], scene.reader, seed) for seed in range(2)]
    following = [InBackground(follower.run) for follower in followers]
    asking = InBackground(ask)
    with sending(scene.url, scene.bot, 2) as senders:
        for server in scene.servers:
            wait_for_more(senders, 5 * BATCH)
            assert server.terminate() == 0
            wait_for_more(senders, 5 * BATCH)
            server.restart()
        wait_for_more(senders, 5 * BATCH)
    ended.set()
    asking.result()
    post_until_answered(scene.url, scene.bot, THE_END, 1, instance="last")
    for one in following:
        one.result()

    assert asked[200] and set(asked) <= {200, 502, 503}
    assert {status for sender in senders for status in sender.refusals} <= {502, 503}
    check_stored(scene.database_url, senders)
    stored = stored_ids(scene.database_url)
    for follower in followers:
        assert follower.ids == stored
        assert follower.connections > 1
