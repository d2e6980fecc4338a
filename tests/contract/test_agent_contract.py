"""The examples are what the agent really sends; the collector is held to the same files."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botwatch import Agent, sampler
from botwatch.limits import Limits

from ..agent.collector_double import TOKEN, CollectorDouble, Reply
from .shape import faults

EXAMPLES = sorted(Path(__file__).parent.glob("*.ndjson"))
FIXED = ("action", "category", "severity", "status", "entity_type")
Act = Callable[[Agent], None]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_the_contracts_shape(path: Path) -> None:
    assert faults(path.read_bytes()) == []


def reply(agent: Agent) -> None:
    agent.message(
        user_id="42",
        text="On its way.",
        direction="out",
        user_name="Alice",
        channel="telegram",
        response_ms=120,
        wait_ms=4000,
    )


def everything(agent: Agent) -> None:
    agent.message(
        user_id="42",
        text="On its way.",
        direction="out",
        user_name="Alice",
        channel="telegram",
        response_ms=120,
        wait_ms=4000,
        id="update-7",
        ts=1763884800123,
        attributes={"model": "small", "tokens": 12, "cost": 0.25, "cached": True, "tool": None},
    )


def hostile(agent: Agent) -> None:
    text = (
        '<script>alert(1)</script> "quoted" back\\slash\nline\ttab\0nul \x1b[31m =HYPERLINK() '
        "\N{PARTY POPPER} \N{RIGHT-TO-LEFT OVERRIDE}"
    )
    agent.message(user_id="<b>42</b>", text=text)


MESSAGES: dict[str, Act] = {
    "message_in": lambda agent: agent.message(user_id="42", text="Where is my parcel?"),
    "message_out": reply,
    "message_with_everything": everything,
    "message_without_text": lambda agent: agent.message(user_id=None, text=None),
    "message_hostile": hostile,
}


PRESENCES: dict[str, Act] = {
    "presence_online": lambda agent: agent.presence(user_id="42", status="online"),
    "presence_typing": lambda agent: agent.presence(user_id="42", typing=True),
    "presence_hidden": lambda agent: agent.presence(user_id="42", show_status=False),
    "presence_with_everything": lambda agent: agent.presence(
        user_id="<b>42</b>",
        status="busy",
        message="In a meeting \x1b[31m \N{PARTY POPPER}",
        typing=False,
        page="/orders/7",
        device="mobile",
        user_name="Alice",
        show_status=True,
    ),
}


@pytest.fixture
def collector():
    with CollectorDouble() as double:
        yield double
    assert double.faults == []


@pytest.fixture
def start(collector: CollectorDouble, tmp_path: Path):
    agents = []

    def start(**settings: Any) -> Agent:
        agents.append(Agent().start(collector.url, TOKEN, spool_dir=tmp_path, linger_s=0.05, **settings))
        return agents[-1]

    yield start
    for agent in agents:
        agent.stop()


def example(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, event = [
        json.loads(line) for line in (Path(__file__).parent / f"{name}.ndjson").read_text().splitlines()
    ]
    return header, event


def shape(value: Any) -> Any:
    """Names in order and types, whatever the values."""
    if isinstance(value, dict):
        return [(name, shape(item)) for name, item in value.items()]
    if isinstance(value, list):
        return sorted({type(item).__name__ for item in value})
    return type(value).__name__


@pytest.mark.parametrize("name", MESSAGES | PRESENCES)
def test_call_is_sent_as_in_the_example(name: str, start, collector: CollectorDouble) -> None:
    header, expected = example(name)
    agent = start(bot=header["bot"])
    (MESSAGES | PRESENCES)[name](agent)
    assert agent.flush(20)
    sent = collector.events(expected["kind"])[0]
    assert sent | {"seq": 1, "ts": expected["ts"]} == expected
    assert list(sent) == list(expected)
    assert shape(collector.requests[0].header) == shape(header)


def test_first_heartbeat_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    assert start(bot="shop", version="2.1").flush(20)
    assert shape(collector.events("heartbeat")[0]) == shape(example("heartbeat_first")[1])


def test_heartbeat_in_trouble_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    collector.answer = lambda request: Reply(503, "")
    agent = start(bot="shop", version="2.1", heartbeat_s=0.1)
    agent.message(user_id="42", text="hello", response_ms=float("nan"))
    agent._losses.count("spool_full", 5012)
    with pytest.raises(ValueError), agent.respond(user_id="42", text="hello"):
        raise ValueError
    collector.wait_for(lambda: agent.stats()["accepted"] > 5)
    collector.answer = lambda request: None
    collector.wait_for(lambda: len(collector.events("heartbeat")) > 2)
    sent, expected = collector.events("heartbeat")[-1], example("heartbeat_in_trouble")[1]
    sent["losses"] = dict(sorted(sent["losses"].items(), reverse=True))
    assert shape(sent) == shape(expected)


def test_goodbye_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    start(bot="shop", version="2.1").stop(20)
    assert shape(collector.events("heartbeat")[-1]) == shape(example("heartbeat_stopping")[1])


def test_sample_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    async def run() -> None:
        agent = start(bot="shop", sample_s=0.2)
        agent.watch_loop(asyncio.get_running_loop())
        agent.watch_connections(lambda: 3)
        agent.update_seen()
        deadline = time.monotonic() + 20
        while not collector.events("sample"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    asyncio.run(run())
    sent = {name: value for name, value in collector.events("sample")[0].items() if "limit" not in name}
    assert shape(sent) == shape(example("sample")[1])


def test_sample_in_a_container_is_sent_as_in_the_example(
    start, collector: CollectorDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "read_limits", lambda: Limits(536870912, 1.5))
    start(bot="shop", sample_s=0.2)
    collector.wait_for(lambda: collector.events("sample"))
    assert shape(collector.events("sample")[0]) == shape(example("sample_in_a_container")[1])


def test_error_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    agent = start(bot="shop")
    with pytest.raises(ValueError), agent.handling("42"):
        raise ValueError("no such parcel")
    assert agent.flush(20)
    sent, expected = collector.events("activity")[0], example("activity_error")[1]
    assert shape(sent) == shape(expected)
    assert {name: sent[name] for name in FIXED} == {name: expected[name] for name in FIXED}


def test_hang_is_sent_as_in_the_example(start, collector: CollectorDouble) -> None:
    agent = start(bot="shop", hanging_s=0.1)
    with agent.handling("42"):
        collector.wait_for(lambda: collector.events("activity"))
    sent, expected = collector.events("activity")[0], example("activity_blocked")[1]
    assert shape(sent) == shape(expected)
    assert {name: sent[name] for name in FIXED} == {name: expected[name] for name in FIXED}


@pytest.mark.parametrize("name", ["check_ok", "check_failed"])
def test_result_of_a_check_is_sent_as_in_the_example(name: str, start, collector: CollectorDouble) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("refused")

    start(bot="shop").check("database", refuse if name == "check_failed" else lambda: None)
    collector.wait_for(lambda: collector.events("check"))
    assert shape(collector.events("check")[0]) == shape(example(name)[1])


def test_heartbeat_tells_checks_as_in_the_example(start, collector: CollectorDouble) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("refused")

    start(bot="shop", version="2.1", heartbeat_s=0.1).check("database", refuse)
    collector.wait_for(lambda: [beat for beat in collector.events("heartbeat") if "checks" in beat])
    assert shape(collector.events("heartbeat")[-1]) == shape(example("heartbeat_with_checks")[1])
