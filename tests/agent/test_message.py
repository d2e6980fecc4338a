"""What a call makes of what it is given: right where possible, counted where not, never an exception."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import botwatch
from botwatch import Agent

from .collector_double import CollectorDouble


@pytest.fixture
def send(agent: Agent, collector: CollectorDouble) -> Callable[..., dict[str, Any]]:
    """Records one message and gives it back as the collector got it."""

    def send(**fields: Any) -> dict[str, Any]:
        agent.message(**({"user_id": "alice", "text": "hello"} | fields))
        assert agent.flush(20)
        return collector.events()[-1]

    return send


def test_every_field_arrives(send) -> None:
    attributes = {"model": "small", "tokens": 12, "cost": 0.25, "cached": True, "tool": None}
    event = send(
        direction="out",
        response_ms=120,
        wait_ms=4000,
        user_name="Alice",
        channel="telegram",
        id="update-7",
        ts=1_700_000_000_123,
        attributes=attributes,
    )
    del event["seq"]
    assert event == {
        "kind": "message",
        "ts": 1_700_000_000_123,
        "direction": "out",
        "text": "hello",
        "user_id": "alice",
        "user_name": "Alice",
        "channel": "telegram",
        "id": "update-7",
        "response_ms": 120,
        "wait_ms": 4000,
        "attributes": attributes,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"user_id": 12345}, {"user_id": "12345"}),
        ({"user_id": None}, {"user_id": None}),
        ({"user_id": "u" * 300}, {"user_id": "u" * 256}),
        ({"user_name": 7, "channel": b"irc"}, {"user_name": "7", "channel": "irc"}),
        ({"text": None}, {"text": None}),
        ({"text": 42}, {"text": "42"}),
        ({"text": b"caf\xc3\xa9 \xff"}, {"text": "café \ufffd"}),
        (
            {"text": 'quote " slash \\ newline \n nul \0 🎉'},
            {"text": 'quote " slash \\ newline \n nul \0 🎉'},
        ),
        ({"text": "half \ud83d of a pair"}, {"text": "half ? of a pair"}),
        ({"direction": "out", "response_ms": 12.6}, {"response_ms": 13}),
    ],
)
def test_odd_values_are_coerced(send, given: dict[str, Any], expected: dict[str, Any]) -> None:
    event = send(**given)
    assert event | expected == event


def test_long_text_is_cut_and_says_so(send) -> None:
    event = send(text="x" * 70_000, attributes={"a": 1})
    assert event["text"] == "x" * 65_536
    assert event["attributes"] == {"truncated": True, "a": 1}


@pytest.mark.parametrize("number", [math.nan, math.inf, -1, 2**36 + 1, "soon", True, 10**400, object()])
def test_impossible_number_is_left_out_and_counted(send, agent: Agent, number: Any) -> None:
    event = send(response_ms=number)
    assert "response_ms" not in event
    assert agent.stats()["losses"] == {"invalid_field": 1}


def test_impossible_time_becomes_now(send, agent: Agent) -> None:
    before = send()["ts"]
    assert before <= send(ts=10**18)["ts"] <= send()["ts"]
    assert agent.stats()["losses"] == {"invalid_field": 1}


def test_attributes_stay_within_the_limits(send, agent: Agent) -> None:
    event = send(attributes={f"name{number}": "x" * 100 for number in range(100)} | {"nan": math.nan})
    assert len(event["attributes"]) == 32
    assert agent.stats()["losses"] == {"invalid_field": 69}


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("fields", [{"text": Hostile()}, {"user_id": Hostile()}, {"direction": "sideways"}])
def test_impossible_message_is_counted_not_raised(agent: Agent, fields: dict[str, Any]) -> None:
    agent.message(**({"user_id": "alice", "text": "hello"} | fields))
    assert agent.stats()["losses"] == {"invalid": 1}


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.fixed_dictionaries(
        {"user_id": anything, "text": anything | st.text(st.characters())},
        optional={
            "direction": st.sampled_from(["in", "out"]) | anything,
            "response_ms": anything,
            "wait_ms": anything,
            "user_name": anything,
            "channel": anything,
            "ts": anything,
            "attributes": st.dictionaries(st.text(), anything, max_size=40),
        },
    )
)
def test_anything_at_all_keeps_the_contract(agent: Agent, fields: dict[str, Any]) -> None:
    agent.message(**fields)


def test_what_anything_made_is_taken_by_the_collector(agent: Agent, collector: CollectorDouble) -> None:
    for value in (None, True, -1, 2**70, math.nan, "\ud800\udfff", b"\xff", [], {}, "x" * 70_000):
        for field in ("user_id", "text", "user_name", "channel", "id", "ts", "response_ms", "wait_ms"):
            agent.message(**({"user_id": "alice", "text": "hello"} | {field: value}))
        agent.message(user_id="alice", text="hello", attributes={"value": value})
    assert agent.flush(20)
    assert len(collector.events()) == 90


def test_calls_before_start_and_after_stop_are_counted_only(start) -> None:
    agent = Agent()
    agent.message(user_id="alice", text="early")
    assert agent.stats() == {"state": "not started", "losses": {"not_started": 1}}

    stopped = start()
    stopped.stop()
    stopped.message(user_id="alice", text="late")
    assert stopped.stats()["losses"] == {"stopped": 1}
    assert stopped.stats()["state"] == "stopped"


def test_disabled_agent_does_nothing(tmp_path) -> None:
    agent = Agent().start(enabled=False)
    agent.message(user_id="alice", text="hello")
    agent.update_seen()
    assert agent.flush(0)
    agent.stop()
    assert agent.stats() == {"state": "disabled", "losses": {}}


def test_module_functions_are_one_agent(collector: CollectorDouble, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BOTWATCH_URL", collector.url)
    monkeypatch.setenv("BOTWATCH_SPOOL", str(tmp_path))
    from .collector_double import TOKEN

    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    monkeypatch.setenv("BOTWATCH_TOKEN_FILE", str(token))
    botwatch.start(bot="shop")
    try:
        botwatch.message(user_id="alice", text="hello")
        with botwatch.respond(user_id="bob", text="hi") as response:
            response.reply("hello Bob")
        assert botwatch.flush(20)
    finally:
        botwatch.stop()
    assert collector.texts() == ["hello", "hi", "hello Bob"]
    assert {request.header["bot"] for request in collector.requests} == {"shop"}
