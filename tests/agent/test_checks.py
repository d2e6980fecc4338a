"""A developer's checks run in the background, and nothing they do reaches the bot."""

import asyncio
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from botwatch import Agent, ConfigurationError

from .collector_double import TOKEN, CollectorDouble

Start = Callable[..., Agent]


def results(collector: CollectorDouble, name: str) -> list[dict[str, Any]]:
    return [event for event in collector.events("check") if event["name"] == name]


def last_beat(collector: CollectorDouble) -> dict[str, Any]:
    return [{}, *collector.events("heartbeat")][-1]


def wait_for_result(collector: CollectorDouble, name: str, count: int = 1) -> dict[str, Any]:
    collector.wait_for(lambda: len(results(collector, name)) >= count)
    return results(collector, name)[count - 1]


def ended(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


def refuse() -> None:
    raise ConnectionRefusedError("no database here")


def test_answers_are_told_at_once_and_with_every_heartbeat(start: Start, collector: CollectorDouble) -> None:
    agent = start(heartbeat_s=0.2)
    agent.check("database", lambda: None)
    agent.check("model", refuse)

    assert wait_for_result(collector, "database")["status"] == "ok"
    failed = wait_for_result(collector, "model")
    assert (failed["status"], failed["message"]) == ("fail", "ConnectionRefusedError: no database here")
    assert failed["latency_ms"] >= 0
    collector.wait_for(lambda: len(last_beat(collector).get("checks", {})) == 2)
    told = last_beat(collector)["checks"]
    assert (told["database"]["status"], told["model"]["message"]) == ("ok", failed["message"])
    assert abs(told["model"]["checked_at"] - failed["ts"]) < 1000


def test_check_may_stand_before_the_start(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    agent.stop()

    @agent.check("database", every_s=60)
    def ask() -> str:
        return "still the developer's"

    agent.start(collector.url, TOKEN, "again")

    assert ask() == "still the developer's"
    assert wait_for_result(collector, "database")["status"] == "ok"
    agent.stop()


def test_check_is_asked_again_after_its_time_and_a_change_shows(
    start: Start, collector: CollectorDouble
) -> None:
    answers = iter([None, False])
    start().check("database", lambda: next(answers), every_s=0.1)

    wait_for_result(collector, "database", 3)

    told = [(one["status"], one.get("message")) for one in results(collector, "database")[:3]]
    assert told == [("ok", None), ("fail", "answered False"), ("fail", "StopIteration")]


def test_hanging_check_fails_and_holds_up_nothing(start: Start, collector: CollectorDouble) -> None:
    release = threading.Event()
    calls: list[int] = []

    def hang() -> None:
        calls.append(1)
        release.wait(60)

    agent = start(heartbeat_s=0.1)
    agent.check("slow", hang, every_s=0.1, timeout_s=0.2)
    agent.check("quick", lambda: None, every_s=0.1)

    assert wait_for_result(collector, "slow")["message"] == "no answer within 0.2 s"
    quick, beats = len(results(collector, "quick")), len(collector.events("heartbeat"))
    collector.wait_for(lambda: len(results(collector, "quick")) > quick + 3)
    collector.wait_for(lambda: len(collector.events("heartbeat")) > beats + 3)
    assert len(calls) == 1, "a second call beside one that hangs"
    assert len(results(collector, "slow")) == 1

    release.set()
    collector.wait_for(lambda: results(collector, "slow")[-1]["status"] == "ok")


def test_hanging_check_does_not_keep_the_process_from_ending(run_python, collector: CollectorDouble) -> None:
    program = """
import botwatch, threading
entered = threading.Event()
def hang():
    entered.set()
    threading.Event().wait()
botwatch.check("slow", hang)
botwatch.start(linger_s=0.05)
entered.wait()
botwatch.message(user_id="u", text="last words")
"""
    ended(run_python(program))

    assert collector.texts() == ["last words"]


def test_asynchronous_check_runs_in_the_bots_own_loop(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    seen: list[Any] = []

    async def ask() -> None:
        seen.append(asyncio.get_running_loop())

    async def bot() -> Any:
        agent.watch_loop(asyncio.get_running_loop())
        await asyncio.sleep(0)
        agent.check("database", ask)
        await asyncio.to_thread(wait_for_result, collector, "database")
        return asyncio.get_running_loop()

    loop = asyncio.run(asyncio.wait_for(bot(), 30))
    assert (seen, results(collector, "database")[0]["status"]) == ([loop], "ok")


def test_asynchronous_check_of_a_bot_without_a_loop(start: Start, collector: CollectorDouble) -> None:
    async def ask() -> None:
        await asyncio.sleep(0)
        refuse()

    start().check("database", ask)

    assert wait_for_result(collector, "database")["message"].startswith("ConnectionRefusedError")


def test_asynchronous_check_that_hangs_is_cancelled(start: Start, collector: CollectorDouble) -> None:
    is_cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            is_cancelled.set()

    start().check("slow", hang, timeout_s=0.1)

    assert wait_for_result(collector, "slow")["message"] == "no answer within 0.1 s"
    assert is_cancelled.wait(30)


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
def test_check_that_wants_to_end_the_bot_fails(
    start: Start, collector: CollectorDouble, ending: type[BaseException]
) -> None:
    def end() -> None:
        raise ending

    start().check("odd", end)

    assert wait_for_result(collector, "odd")["message"] == ending.__name__


def test_error_that_can_not_be_told_fails_under_its_type(start: Start, collector: CollectorDouble) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise Odd

    start().check("odd", fail)

    assert wait_for_result(collector, "odd")["message"] == "Odd"


def test_secret_is_taken_out_of_the_message(start: Start, collector: CollectorDouble) -> None:
    def fail() -> None:
        raise ConnectionError("postgresql://bot:hunter2@db refused")

    start(heartbeat_s=0.1).check("database", fail)

    assert "hunter2" not in wait_for_result(collector, "database")["message"]
    collector.wait_for(lambda: "checks" in last_beat(collector))
    assert "hunter2" not in last_beat(collector)["checks"]["database"]["message"]


def test_long_message_is_cut(start: Start, collector: CollectorDouble) -> None:
    def fail() -> None:
        raise ValueError("x" * 100_000)

    start().check("wordy", fail)

    assert len(wait_for_result(collector, "wordy")["message"]) == 300


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"name": ""}, "check: expected a name"),
        ({"name": "x" * 65}, "check: expected a name"),
        ({"name": "new\nline"}, "check: expected a name"),
        ({"name": "database", "every_s": 0}, "check database: every_s"),
        ({"name": "database", "timeout_s": "5"}, "check database: timeout_s"),
    ],
)
def test_what_can_not_be_a_check_is_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Agent().check(**arguments, function=lambda: None)


def test_more_checks_than_a_heartbeat_can_tell_are_refused() -> None:
    agent = Agent()
    for number in range(32):
        agent.check(f"check {number}", lambda: None)
    agent.check("check 7", lambda: None)
    with pytest.raises(ConfigurationError, match="32 checks already"):
        agent.check("check 32", lambda: None)


def test_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        Agent().check("database", 5)  # type: ignore[call-overload]


def test_forked_child_asks_for_itself(run_python, collector: CollectorDouble) -> None:
    program = """
import botwatch, os, time
asked = []
@botwatch.check("database")
def ask():
    asked.append(os.getpid())
def wait_for_events(count):
    while botwatch.stats()["accepted"] < count:
        time.sleep(0.01)
    assert botwatch.flush(60)
botwatch.start(linger_s=0.05, heartbeat_s=3600, sample_s=3600)
wait_for_events(2)
child = os.fork()
if not child:
    botwatch.message(user_id="u", text="from the child")
    wait_for_events(3)
    os._exit(asked[1:] != [os.getpid()])
assert os.waitpid(child, 0)[1] == 0
"""
    ended(run_python(program))

    collector.wait_for(lambda: len(results(collector, "database")) == 2)
    assert sum(any(e["kind"] == "check" for e in events) for events in collector.stored.values()) == 2


def test_hanging_connection_count_holds_up_no_heartbeat(
    start: Start, collector: CollectorDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botwatch.sampler.COUNTING_S", 0.05)
    release = threading.Event()
    agent = start(sample_s=0.1, heartbeat_s=0.1)
    agent.watch_connections(lambda: release.wait(60) and 7)

    collector.wait_for(lambda: len(collector.events("sample")) > 3 and len(collector.events("heartbeat")) > 3)
    assert not any("db_connections" in sample for sample in collector.events("sample"))
    release.set()
    collector.wait_for(lambda: collector.events("sample")[-1].get("db_connections") == 7)
