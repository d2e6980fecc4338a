"""What a call accepts arrives once, in order and whole."""

from botwatch import Agent

from .collector_double import CollectorDouble


def test_messages_arrive_in_order(agent: Agent, collector: CollectorDouble) -> None:
    for number in range(1000):
        agent.message(user_id="alice", text=f"message {number}")

    assert agent.flush(20)

    assert collector.texts() == [f"message {number}" for number in range(1000)]
    assert [event["seq"] for event in collector.events(None)] == list(range(1, 1002))


def test_first_heartbeat_arrives_without_any_call(agent: Agent, collector: CollectorDouble) -> None:
    collector.wait_for(lambda: collector.events("heartbeat"), timeout_s=5)
