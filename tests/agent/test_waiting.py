"""Who is answered is known in tasks and their threads by itself, and in other threads when carried there."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import botwatch
from botwatch.waiting import current

from .collector_double import CollectorDouble


class Alice:
    """She waits."""

    def times_of_answer(self, user_id: str) -> tuple[int | None, int | None]:
        return (7, 8) if user_id == "alice" else (None, None)


@pytest.fixture
def alice_waits() -> Iterator[None]:
    token = current.set(Alice())
    yield
    current.reset(token)


def in_a_task_of_a_task(send: Callable[[], None]) -> None:
    async def inner() -> None:
        send()

    async def outer() -> None:
        await asyncio.create_task(inner())

    asyncio.run(outer())


def in_a_task_s_thread(send: Callable[[], None]) -> None:
    asyncio.run(asyncio.to_thread(send))


def in_a_pool(send: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(botwatch.carry(send)).result()


def in_an_executor(send: Callable[[], None]) -> None:
    async def run() -> None:
        await asyncio.get_running_loop().run_in_executor(None, botwatch.carry(send))

    asyncio.run(run())


def in_a_thread(send: Callable[[], None]) -> None:
    thread = threading.Thread(target=botwatch.carry(send))
    thread.start()
    thread.join()


WAYS = [in_a_task_of_a_task, in_a_task_s_thread, in_a_pool, in_an_executor, in_a_thread]


@pytest.mark.usefixtures("alice_waits")
@pytest.mark.parametrize("way", WAYS)
def test_answer_has_its_times_wherever_it_is_sent(
    agent: botwatch.Agent, collector: CollectorDouble, way: Callable[..., None]
) -> None:
    way(lambda: agent.message(direction="out", user_id="alice", text="hi"))
    assert agent.flush(20)
    (answer,) = collector.events()
    assert (answer["response_ms"], answer["wait_ms"]) == (7, 8)


@pytest.mark.usefixtures("alice_waits")
@pytest.mark.parametrize(
    "more", [{"user_id": "bob"}, {"direction": "in"}], ids=["to another", "not an answer"]
)
def test_other_messages_have_no_times(
    agent: botwatch.Agent, collector: CollectorDouble, more: dict[str, Any]
) -> None:
    agent.message(**{"direction": "out", "user_id": "alice", "text": "hi"} | more)
    assert agent.flush(20)
    assert "response_ms" not in collector.events()[0]


@pytest.mark.usefixtures("alice_waits")
def test_given_times_win(agent: botwatch.Agent, collector: CollectorDouble) -> None:
    agent.message(direction="out", user_id="alice", text="hi", response_ms=1)
    assert agent.flush(20)
    (answer,) = collector.events()
    assert answer["response_ms"] == 1 and "wait_ms" not in answer


@pytest.mark.usefixtures("alice_waits")
def test_carried_function_runs_in_many_threads_at_once() -> None:
    all_are_in = threading.Barrier(4, timeout=30)

    def who(_: int) -> object:
        all_are_in.wait()
        return current.get()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(botwatch.carry(who), range(4)))
    assert [type(one) for one in found] == [Alice] * 4
