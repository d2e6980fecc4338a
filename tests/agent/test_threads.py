"""Calls from many threads, signal handlers and event loops: each is recorded once, none waits for another."""

import asyncio
import signal
import threading
from collections import Counter

from botwatch import Agent

from .collector_double import CollectorDouble


def test_threads_lose_and_double_nothing(agent: Agent, collector: CollectorDouble) -> None:
    def talk(name: int) -> None:
        for number in range(500):
            agent.message(user_id=f"user {name}", text=f"{name}/{number}")

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert agent.flush(20)

    assert set(Counter(collector.texts()).values()) == {1}
    assert len(collector.texts()) == 4000
    sequence = [event["seq"] for event in collector.events(None)]
    assert sequence == list(range(1, len(sequence) + 1))


def test_signal_handler_may_record_at_any_moment(agent: Agent, collector: CollectorDouble) -> None:
    interrupted = 0

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted += 1
        agent.message(user_id="handler", text=f"signal {interrupted}")

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        count = 0
        while interrupted < 200:
            agent.message(user_id="alice", text=f"message {count}")
            count += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert agent.flush(30)
    assert Counter(event["user_id"] for event in collector.events()) == {
        "alice": count,
        "handler": interrupted,
    }


def test_several_agents_live_in_one_process(start, collector: CollectorDouble) -> None:
    agents = [start() for _ in range(3)]
    for number, agent in enumerate(agents):
        agent.message(user_id="alice", text=f"agent {number}")
    assert all(agent.flush(20) for agent in agents)
    assert sorted(collector.texts()) == ["agent 0", "agent 1", "agent 2"]
    assert len(collector.stored) == 3


def test_start_again_goes_on_or_changes(start, collector: CollectorDouble, tmp_path) -> None:
    from .collector_double import TOKEN

    agent = start()
    again = {"url": collector.url, "token": TOKEN, "spool_dir": tmp_path / "spool"}
    instance = agent.stats()["instance"]
    assert agent.start(**again, linger_s=0.05, retry_s=0.05, adopt_s=0.1).stats()["instance"] == instance
    assert agent.start(**again, linger_s=0.2).stats()["instance"] != instance


def test_coroutines_record_without_waiting(agent: Agent, collector: CollectorDouble) -> None:
    async def talk(name: int) -> None:
        for number in range(100):
            agent.message(user_id=f"user {name}", text=f"{name}/{number}")
            await asyncio.sleep(0)

    async def everybody() -> None:
        await asyncio.gather(*(talk(name) for name in range(20)))

    asyncio.run(everybody())
    assert agent.flush(20)
    assert len(set(collector.texts())) == 2000
