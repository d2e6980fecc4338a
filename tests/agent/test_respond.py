"""An exchange is recorded with its times in every form of handler, and none changes what it does."""

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from botwatch import Agent, current_response

from .collector_double import CollectorDouble

Recorded = Callable[[], list[tuple[str, str | None, str | None]]]


@pytest.fixture
def recorded(agent: Agent, collector: CollectorDouble) -> Recorded:
    """Direction, user and text of every message so far."""

    def recorded() -> list[tuple[str, str | None, str | None]]:
        assert agent.flush(20)
        return [(event["direction"], event["user_id"], event["text"]) for event in collector.events()]

    return recorded


EXCHANGE = [("in", "alice", "hello"), ("out", "alice", "Hi Alice")]


def test_context_manager_records_message_and_reply(
    agent: Agent, collector: CollectorDouble, recorded: Recorded
) -> None:
    with agent.respond(user_id="alice", text="hello", user_name="Alice", channel="irc") as response:
        assert current_response() is response
        response.reply("Hi Alice")
    assert current_response() is None
    assert recorded() == EXCHANGE
    asked, answered = collector.events()
    assert (asked["user_name"], asked["channel"], answered["channel"]) == ("Alice", "irc", "irc")
    assert "response_ms" not in asked
    assert answered["user_name"] == "Alice"
    assert answered["response_ms"] >= 0
    assert "wait_ms" not in answered
    assert (response.outcome, response.replies) == ("success", 1)


def test_reply_to_another_user_does_not_bear_the_name_of_the_first(
    agent: Agent, collector: CollectorDouble, recorded: Recorded
) -> None:
    with agent.respond(user_id="alice", text="hello", user_name="Alice") as response:
        response.reply("Alice is here", user_id="bob")
    recorded()
    assert "user_name" not in collector.events()[-1]


def test_asynchronous_context_manager_does_the_same(agent: Agent, recorded: Recorded) -> None:
    async def handle() -> None:
        async with agent.respond(user_id="alice", text="hello") as response:
            await asyncio.sleep(0)
            response.reply("Hi Alice")

    asyncio.run(handle())
    assert recorded() == EXCHANGE


def test_incoming_message_is_recorded_before_the_handler_runs(agent: Agent, recorded: Recorded) -> None:
    with agent.respond(user_id="alice", text="hello"):
        assert recorded() == EXCHANGE[:1]


@pytest.mark.parametrize(
    "sent_at",
    [
        lambda: time.time_ns() // 1_000_000 - 4000,
        lambda: datetime.now(UTC) - timedelta(seconds=4),
    ],
)
def test_wait_counts_from_the_messages_own_time(
    agent: Agent, collector: CollectorDouble, recorded: Recorded, sent_at: Callable[[], Any]
) -> None:
    with agent.respond(user_id="alice", text="hello", sent_at=sent_at()) as response:
        response.reply("Hi Alice")
    recorded()
    answer = collector.events()[-1]
    assert 3999 <= answer["wait_ms"] < 60_000  # a datetime is rounded to the millisecond
    assert answer["response_ms"] < answer["wait_ms"] - 3000


@pytest.mark.parametrize(
    "sent_at",
    ["yesterday", time.time() * 1000 + 10**6, object(), float("nan")],
    ids=["word", "in the future", "object", "nan"],
)
def test_odd_time_of_a_message_does_no_harm(agent: Agent, recorded: Recorded, sent_at: Any) -> None:
    with agent.respond(user_id="alice", text="hello", sent_at=sent_at) as response:
        response.reply("Hi Alice")
    assert recorded() == EXCHANGE


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3)]
)
def test_exception_passes_and_is_counted_by_type(
    agent: Agent, recorded: Recorded, error: BaseException
) -> None:
    response = agent.respond(user_id="alice", text="hello")
    with pytest.raises(type(error)) as caught, response:
        raise error
    assert caught.value is error
    assert response.outcome == type(error).__name__
    assert agent.stats()["handler_errors"] == {type(error).__name__: 1}
    assert recorded() == EXCHANGE[:1]


def test_decorated_function_replies_with_what_it_returns(agent: Agent, recorded: Recorded) -> None:
    @agent.respond
    def handle(user_id: str, text: str, *, loud: bool = False) -> str:
        """Says hi."""
        assert current_response() is not None
        return "Hi Alice"

    assert handle("alice", "hello", loud=True) == "Hi Alice"
    assert handle(text="hello", user_id="alice") == "Hi Alice"
    assert recorded() == EXCHANGE * 2
    assert (handle.__name__, handle.__doc__) == ("handle", "Says hi.")
    assert list(inspect.signature(handle).parameters) == ["user_id", "text", "loud"]


def test_return_value_that_is_no_text_is_no_reply(agent: Agent, recorded: Recorded) -> None:
    @agent.respond
    def handle(user_id: str, text: str) -> dict[str, str]:
        return {"text": "Hi"}

    assert handle("alice", "hello") == {"text": "Hi"}
    assert recorded() == EXCHANGE[:1]


def test_decorated_coroutine_is_timed_to_its_end(
    agent: Agent, collector: CollectorDouble, recorded: Recorded
) -> None:
    @agent.respond
    async def handle(user_id: str, text: str) -> str:
        await asyncio.sleep(0.05)
        return "Hi Alice"

    assert inspect.iscoroutinefunction(handle)
    assert asyncio.run(handle("alice", "hello")) == "Hi Alice"
    assert recorded() == EXCHANGE
    assert collector.events()[-1]["response_ms"] >= 49


def test_cancelled_coroutine_stays_cancelled(agent: Agent) -> None:
    @agent.respond
    async def handle(user_id: str, text: str) -> str:
        await asyncio.sleep(60)
        return "never"

    async def cancel() -> bool:
        task = asyncio.create_task(handle("alice", "hello"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancel())
    assert agent.stats()["handler_errors"] == {"CancelledError": 1}


def test_concurrent_coroutines_keep_apart(agent: Agent, recorded: Recorded) -> None:
    @agent.respond
    async def handle(user_id: str, text: str) -> str:
        mine = current_response()
        await asyncio.sleep(0.01)
        assert current_response() is mine
        return f"Hi {user_id}"

    async def everybody() -> None:
        await asyncio.gather(*(handle(f"user {number}", "hello") for number in range(20)))

    asyncio.run(everybody())
    replies = [(user, text) for direction, user, text in recorded() if direction == "out"]
    assert sorted(replies) == sorted((f"user {number}", f"Hi user {number}") for number in range(20))


def test_every_string_of_a_generator_is_a_reply(agent: Agent, recorded: Recorded) -> None:
    @agent.respond
    def handle(user_id: str, text: str) -> Iterator[str]:
        assert current_response() is not None
        name = yield "Who are you?"
        yield f"Hi {name}"
        return "done"

    assert inspect.isgeneratorfunction(handle)
    steps = handle("alice", "hello")
    assert next(steps) == "Who are you?"
    assert current_response() is None
    assert steps.send("Alice") == "Hi Alice"
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "done"
    assert recorded() == [EXCHANGE[0], ("out", "alice", "Who are you?"), EXCHANGE[1]]


def test_every_string_of_an_asynchronous_generator_is_a_reply(agent: Agent, recorded: Recorded) -> None:
    @agent.respond
    async def handle(user_id: str, text: str) -> AsyncIterator[str]:
        assert current_response() is not None
        name = yield "Who are you?"
        await asyncio.sleep(0)
        yield f"Hi {name}"

    async def talk() -> list[str]:
        steps = handle("alice", "hello")
        said = [await steps.asend(None)]
        assert current_response() is None
        said.append(await steps.asend("Alice"))
        return said + [more async for more in steps]

    assert inspect.isasyncgenfunction(handle)
    assert asyncio.run(talk()) == ["Who are you?", "Hi Alice"]
    assert recorded() == [EXCHANGE[0], ("out", "alice", "Who are you?"), EXCHANGE[1]]


def test_generator_gets_what_is_thrown_into_it(agent: Agent) -> None:
    @agent.respond
    def handle(user_id: str, text: str) -> Iterator[str]:
        try:
            yield "first"
        except KeyError:
            yield "caught"

    steps = handle("alice", "hello")
    next(steps)
    assert steps.throw(KeyError("x")) == "caught"
    with pytest.raises(ZeroDivisionError):
        steps.throw(ZeroDivisionError())
    assert agent.stats()["handler_errors"] == {"ZeroDivisionError": 1}


def test_asynchronous_generator_gets_what_is_thrown_into_it(agent: Agent) -> None:
    closed = []

    @agent.respond
    async def handle(user_id: str, text: str) -> AsyncIterator[str]:
        try:
            yield "first"
        except KeyError:
            yield "caught"
        finally:
            closed.append(text)

    async def talk() -> None:
        steps = handle("alice", "hello")
        await steps.asend(None)
        assert await steps.athrow(KeyError("x")) == "caught"
        await steps.aclose()

    asyncio.run(talk())
    assert closed == ["hello"]
    assert agent.stats()["handler_errors"] == {}


def test_generator_that_is_left_early_is_closed(agent: Agent) -> None:
    closed = []

    @agent.respond
    def handle(user_id: str, text: str) -> Iterator[str]:
        try:
            yield "first"
            yield "second"
        finally:
            closed.append(text)

    for _ in handle("alice", "hello"):
        break
    assert closed == ["hello"]
    assert agent.stats()["handler_errors"] == {}


class Bot:
    user = SimpleNamespace(id="the bot itself", name="bot")

    def on_message(self, message: Any) -> str:
        return "Hi Alice"


@pytest.mark.parametrize(
    "message",
    [
        {"user_id": "alice", "text": "hello"},
        {"user": "alice", "text": "hello"},
        {"from": {"id": "alice"}, "text": "hello"},
        SimpleNamespace(from_user=SimpleNamespace(id="alice", full_name="Alice"), text="hello"),
        SimpleNamespace(author=SimpleNamespace(id="alice", name="Alice"), content="hello"),
        SimpleNamespace(
            effective_user=SimpleNamespace(id="alice", full_name="Alice"),
            effective_message=SimpleNamespace(text="hello"),
        ),
    ],
)
def test_user_and_text_are_found_in_the_first_argument(
    agent: Agent, recorded: Recorded, message: Any
) -> None:
    handle = agent.respond(lambda message: "Hi Alice")
    method = functools.partial(agent.respond(Bot.on_message), Bot())
    handle(message)
    method(message)
    assert recorded() == EXCHANGE * 2


def test_named_fields_win_over_found_ones(
    agent: Agent, collector: CollectorDouble, recorded: Recorded
) -> None:
    @agent.respond(
        user_id=lambda request, **_: request["who"], text=lambda request, **_: request["what"], channel="web"
    )
    def handle(request: dict[str, str], **_: Any) -> str:
        return "Hi Alice"

    handle({"who": "alice", "what": "hello", "text": "not this"}, more=1)
    assert recorded() == EXCHANGE
    assert {event["channel"] for event in collector.events()} == {"web"}


def test_unknown_user_and_failing_finder_do_not_stop_the_handler(agent: Agent, recorded: Recorded) -> None:
    @agent.respond(user_id=lambda request: request["missing"])
    def handle(request: dict[str, str]) -> str:
        return "hi"

    assert handle({}) == "hi"
    assert agent.respond(lambda: "hi")() == "hi"
    assert recorded() == [("in", None, None), ("out", None, "hi")] * 2


def test_objects_with_asynchronous_call_are_awaited(agent: Agent, recorded: Recorded) -> None:
    class Handler:
        async def __call__(self, user_id: str, text: str) -> str:
            await asyncio.sleep(0)
            return "Hi Alice"

    handle = agent.respond(Handler())
    assert asyncio.run(handle("alice", "hello")) == "Hi Alice"
    partial = agent.respond(functools.partial(Handler().__call__, "alice"))
    assert asyncio.run(partial("hello")) == "Hi Alice"
    assert recorded()[:2] == EXCHANGE


def test_handlers_work_before_start() -> None:
    agent = Agent()

    @agent.respond
    def handle(user_id: str, text: str) -> str:
        return "Hi Alice"

    assert handle("alice", "hello") == "Hi Alice"
    with pytest.raises(KeyError), agent.respond(user_id="alice", text="hello"):
        raise KeyError
