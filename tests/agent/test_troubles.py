"""What goes wrong in a handler is told with its type and place, and nothing of it is kept."""

import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from botwatch import Agent, stacks
from botwatch.watchdog import Watchdog

from .collector_double import TOKEN, CollectorDouble
from .test_config import config

Start = Callable[..., Agent]
HERE = __name__


def activities(collector: CollectorDouble, action: str) -> list[dict[str, Any]]:
    return [event for event in collector.events("activity") if event["action"] == action]


def line_of(function: Callable[..., Any], offset: int) -> str:
    """The place `offset` lines below the function's first."""
    return f"{__file__}:{function.__code__.co_firstlineno + offset}"


def fail(text: str) -> None:
    raise LookupError(f"nothing about {text}")


def order(user_id: str, text: str) -> str:
    fail(text)
    return "never said"


def test_error_is_told_with_type_and_place(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    with pytest.raises(LookupError):
        agent.respond(order)("42", "parcels")
    assert agent.flush(20)

    (told,) = activities(collector, "LookupError")
    assert (told["category"], told["severity"], told["status"]) == ("error", "error", "failure")
    assert (told["entity_type"], told["entity_id"], told["user_id"]) == ("handler", f"{HERE}:order", "42")
    assert told["duration_ms"] >= 0
    details = told["details"]
    assert details["place"] == line_of(fail, 1)
    assert details["message"] == "LookupError: nothing about parcels"
    assert details["stack"][-2:] == [f"{line_of(order, 1)} in order", f"{line_of(fail, 1)} in fail"]
    assert agent.stats()["handler_errors"] == {"LookupError": 1}


def test_every_kind_of_handler_tells_its_errors(start: Start, collector: CollectorDouble) -> None:
    agent = start()

    async def coroutine() -> None:
        raise KeyError

    def generator() -> Any:
        yield "first"
        raise KeyError

    async def asynchronous_generator() -> Any:
        yield "first"
        raise KeyError

    async def consume() -> None:
        async for _ in agent.respond(asynchronous_generator)():
            pass

    for act in (
        lambda: asyncio.run(agent.respond(coroutine)()),
        lambda: list(agent.respond(generator)()),
        lambda: asyncio.run(consume()),
    ):
        with pytest.raises(KeyError):
            act()
    assert agent.flush(20)

    handlers = [told["entity_id"].rpartition(".")[2] for told in activities(collector, "KeyError")]
    assert handlers == ["coroutine", "generator", "asynchronous_generator"]


def test_error_within_a_with_block_names_the_function_around_it(
    start: Start, collector: CollectorDouble
) -> None:
    agent = start()

    def serve() -> None:
        with agent.handling("42"):
            fail("anything")

    with pytest.raises(LookupError):
        serve()
    assert agent.flush(20)

    (told,) = activities(collector, "LookupError")
    assert told["entity_id"].endswith(
        ":test_error_within_a_with_block_names_the_function_around_it.<locals>.serve"
    )
    assert told["user_id"] == "42"


def test_nothing_of_the_error_is_kept(start: Start) -> None:
    agent = start()

    class Precious:
        pass

    def handle(user_id: str, text: str) -> None:
        precious = Precious()
        seen.append(weakref.ref(precious))
        raise ValueError(precious)

    seen: list[weakref.ref[Precious]] = []
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            agent.respond(handle)("42", "hello")
    finally:
        gc.enable()
    assert seen[0]() is None, "kept alive by the agent"


def test_cancellation_is_no_error(start: Start, collector: CollectorDouble) -> None:
    agent = start()

    @agent.respond
    async def handle(user_id: str, text: str) -> None:
        await asyncio.sleep(3600)

    async def run() -> None:
        task = asyncio.create_task(handle("42", "hello"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())
    assert agent.flush(20)
    assert collector.events("activity") == []
    assert agent.stats()["handler_errors"] == {"CancelledError": 1}


def test_error_that_can_not_be_told_is_counted(start: Start) -> None:
    agent = start()

    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Odd), agent.handling():
        raise Odd
    assert agent.stats()["losses"] == {"invalid": 1}


def test_hostile_error_keeps_the_contract(start: Start, collector: CollectorDouble) -> None:
    agent = start()

    def deep(depth: int) -> None:
        if depth:
            deep(depth - 1)
        raise type("E" * 1000, (Exception,), {})("\ud800\0 <script> \N{PARTY POPPER}" * 1000)

    with pytest.raises(Exception, match="script"), agent.handling("u" * 1000):
        deep(100)
    assert agent.flush(20)

    (told,) = collector.events("activity")
    assert (len(told["action"]), len(told["user_id"]), len(told["details"]["stack"])) == (200, 256, 20)


def test_secrets_are_taken_out_of_errors(start: Start, collector: CollectorDouble) -> None:
    agent = start(privacy={"user_id": "hash"}, privacy_key="k" * 16)
    key = "sk-" + "a1" * 20
    with pytest.raises(ConnectionError), agent.handling("42"):
        raise ConnectionError(f"{'x' * 270} refused {key}")
    assert agent.flush(20)

    (told,) = activities(collector, "ConnectionError")
    assert told["details"]["message"].endswith(" refused [key")
    assert len(told["user_id"]) == 24


def test_details_may_be_dropped(start: Start, collector: CollectorDouble) -> None:
    agent = start(privacy={"details": "drop"})
    with pytest.raises(LookupError), agent.handling("42"):
        fail("anything")
    assert agent.flush(20)

    assert activities(collector, "LookupError")[0]["details"] == {}


def test_errors_before_start_and_after_stop_pass(start: Start) -> None:
    agent = start()
    agent.stop()
    for one in (agent, Agent()):
        with pytest.raises(LookupError), one.handling():
            fail("anything")


def nap(until: threading.Event) -> None:
    until.wait(60)


def blocked(collector: CollectorDouble, status: str) -> list[dict[str, Any]]:
    return [told for told in activities(collector, "blocked") if told["status"] == status]


def released_when_told(collector: CollectorDouble, release: threading.Event) -> threading.Thread:
    """Let go what hangs as soon as the collector knows that it does."""

    def wait() -> None:
        collector.wait_for(lambda: blocked(collector, "hanging"), 60)
        release.set()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_blocked_loop_is_told_with_its_line_while_it_hangs_and_after(
    start: Start, collector: CollectorDouble
) -> None:
    agent = start(blocked_s=0.3)
    release = threading.Event()
    releasing = released_when_told(collector, release)

    async def handle() -> None:
        agent.watch_loop(asyncio.get_running_loop())
        await asyncio.sleep(0)
        nap(release)

    async def bot() -> None:
        await handle()
        await asyncio.to_thread(collector.wait_for, lambda: blocked(collector, "over"))

    asyncio.run(asyncio.wait_for(bot(), 60))
    releasing.join()

    (hanging,), (over,) = blocked(collector, "hanging"), blocked(collector, "over")
    for told in (hanging, over):
        assert (told["category"], told["severity"]) == ("performance", "warning")
        assert (told["entity_type"], told["entity_id"]) == ("event_loop", f"{HERE}:nap")
        assert told["details"]["place"] == line_of(nap, 1)
        assert told["details"]["stack"][0].endswith(".bot")
    assert hanging["details"]["since"] == over["details"]["since"]
    assert 300 <= hanging["duration_ms"] <= over["duration_ms"]
    assert over["details"]["blocked_ms"] == over["duration_ms"]


def test_loop_that_ends_with_its_hang_is_over(start: Start, collector: CollectorDouble) -> None:
    agent = start(blocked_s=0.3)
    release = threading.Event()
    releasing = released_when_told(collector, release)

    async def bot() -> None:
        agent.watch_loop(asyncio.get_running_loop())
        await asyncio.sleep(0)
        nap(release)

    asyncio.run(bot())
    releasing.join()
    collector.wait_for(lambda: blocked(collector, "over"))


def test_blocking_handler_of_an_unwatched_loop_is_found(start: Start, collector: CollectorDouble) -> None:
    agent = start(blocked_s=0.3)
    release = threading.Event()
    releasing = released_when_told(collector, release)

    @agent.respond
    async def handle(user_id: str, text: str) -> None:
        nap(release)

    asyncio.run(handle("42", "hello"))
    releasing.join()
    (told,) = blocked(collector, "hanging")
    assert (told["entity_type"], told["details"]["place"]) == ("event_loop", line_of(nap, 1))


def test_hanging_thread_of_a_handler_is_told_with_its_line(start: Start, collector: CollectorDouble) -> None:
    agent = start(hanging_s=0.3)
    release = threading.Event()
    releasing = released_when_told(collector, release)

    @agent.respond
    def handle(user_id: str, text: str) -> str:
        nap(release)
        return "at last"

    assert handle("42", "hello") == "at last"
    releasing.join()
    collector.wait_for(lambda: blocked(collector, "over"))

    (hanging,), (over,) = blocked(collector, "hanging"), blocked(collector, "over")
    assert (hanging["entity_type"], hanging["entity_id"]) == ("handler", f"{HERE}:nap")
    assert hanging["details"]["place"] == over["details"]["place"] == line_of(nap, 1)
    assert over["duration_ms"] >= hanging["duration_ms"] >= 300


def test_handler_that_awaits_in_vain_is_told_with_its_line(start: Start, collector: CollectorDouble) -> None:
    agent = start(hanging_s=0.3)

    async def wait_for_answer(answer: asyncio.Event) -> None:
        await answer.wait()

    @agent.respond
    async def handle(user_id: str, text: str, answer: asyncio.Event) -> None:
        await wait_for_answer(answer)

    async def bot() -> None:
        answer = asyncio.Event()
        hanging = asyncio.create_task(handle("42", "hello", answer))
        await asyncio.to_thread(collector.wait_for, lambda: blocked(collector, "hanging"))
        answer.set()
        await hanging

    asyncio.run(asyncio.wait_for(bot(), 60))
    collector.wait_for(lambda: blocked(collector, "over"))

    (told,) = blocked(collector, "hanging")
    assert told["entity_type"] == "handler"
    assert told["details"]["place"] == line_of(wait_for_answer, 1)


def test_conversation_that_waits_for_its_user_does_not_hang(start: Start, collector: CollectorDouble) -> None:
    agent = start(hanging_s=0.1, heartbeat_s=0.1)

    @agent.respond
    def talk(user_id: str, text: str) -> Any:
        yield "Who are you?"

    steps = talk("42", "hello")
    next(steps)
    beats = len(collector.events("heartbeat"))
    collector.wait_for(lambda: len(collector.events("heartbeat")) > beats + 5)
    steps.close()
    assert collector.events("activity") == []


def test_standing_still_as_a_whole_is_no_hang() -> None:
    agent = Agent()
    environ = {"BOTWATCH_URL": "http://127.0.0.1:9", "BOTWATCH_TOKEN": TOKEN}
    watchdog = Watchdog(config(environ), agent.watched)
    with agent.handling("42"):
        assert watchdog.step(watchdog.due_s + 60) == [], "a minute in which nobody could look either"
        assert len(watchdog.step(watchdog.due_s)) == 1, "it still hangs, and is looked at in time"


def test_what_may_last_does_not_hang(start: Start, collector: CollectorDouble) -> None:
    agent = start(hanging_s=0.1, heartbeat_s=0.1)
    with agent.handling(may_last=True):
        beats = len(collector.events("heartbeat"))
        collector.wait_for(lambda: len(collector.events("heartbeat")) > beats + 5)
    assert collector.events("activity") == []


def test_thousand_hanging_handlers_are_told_by_ten(start: Start, collector: CollectorDouble) -> None:
    agent = start(hanging_s=0.1, heartbeat_s=0.1)

    async def bot() -> None:
        answer = asyncio.Event()

        @agent.respond
        async def handle(user_id: str, text: str) -> None:
            await answer.wait()

        tasks = [asyncio.create_task(handle("42", "hello")) for _ in range(1000)]
        await asyncio.to_thread(collector.wait_for, lambda: len(blocked(collector, "hanging")) >= 10)
        beats = len(collector.events("heartbeat"))
        await asyncio.to_thread(collector.wait_for, lambda: len(collector.events("heartbeat")) > beats + 5)
        told.append(len(blocked(collector, "hanging")))
        answer.set()
        await asyncio.gather(*tasks)

    told: list[int] = []
    asyncio.run(asyncio.wait_for(bot(), 60))
    assert told == [10]


def test_installed_bot_is_told_from_its_framework() -> None:
    packages = "/srv/lib/site-packages/"
    places = [
        stacks.Place(f"{packages}telegram/ext/_application.py", 1, "telegram.ext._application", "run"),
        stacks.Place(f"{packages}shop/bot.py", 2, "shop.bot", "order"),
        stacks.Place(f"{packages}shop/stock.py", 3, "shop.stock", "look"),
        stacks.Place(f"{stacks.STANDARD_LIBRARY[0]}json/decoder.py", 4, "json.decoder", "decode"),
    ]
    assert [place.function for place in stacks.own(places)] == ["order", "look"]
    assert [place.function for place in stacks.own(places[:1])] == ["run"]


def test_watchdog_that_fails_keeps_no_heartbeat_back(
    start: Start,
    collector: CollectorDouble,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(task: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(stacks, "of_thread", fail)
    agent = start(hanging_s=0.1, heartbeat_s=0.1)
    with agent.handling():
        beats = len(collector.events("heartbeat"))
        collector.wait_for(lambda: caplog.records and len(collector.events("heartbeat")) > beats + 5)
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "botwatch could not look at the bot"
    ]


def test_error_that_was_never_raised_has_no_place(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    agent.handler_failed(ValueError("made, not raised"))
    assert agent.flush(20)

    (told,) = activities(collector, "ValueError")
    assert (told.get("entity_id"), set(told["details"])) == (None, {"message"})
