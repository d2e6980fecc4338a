"""Processes that are killed, forked, ended early or many at once: what a call accepted arrives, once."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from botwatch import Agent

from .collector_double import CollectorDouble, Reply

Start = Callable[..., Agent]
Run = Callable[..., subprocess.Popen[str]]

RECORD = """
import botwatch, os, sys, time
botwatch.start(linger_s=0.05, retry_s=0.05, adopt_s=0.1)
for number in range(500):
    botwatch.message(user_id="alice", text=f"message {number}")
"""
# At exit a second is given, which may be too short on a busy machine.
PATIENT_EXIT = "botwatch.Agent.stop.__defaults__ = (30.0,)\n"
RECORDED = [f"message {number}" for number in range(500)]
WAIT_TO_BE_KILLED = "print('recorded', flush=True); sys.stdin.read()"


def down(collector: CollectorDouble) -> None:
    collector.answer = lambda request: Reply(503, "")


def up(collector: CollectorDouble) -> None:
    collector.answer = lambda request: None


def killed(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "recorded\n"
    process.kill()
    process.communicate()


def ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def left_behind(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "spool").glob("*/*") if path.is_dir()]


def test_killed_process_loses_nothing(run_python: Run, start: Start, collector: CollectorDouble) -> None:
    down(collector)
    killed(run_python(RECORD + WAIT_TO_BE_KILLED))
    assert collector.events(None) == []

    up(collector)
    start()
    collector.wait_for(lambda: len(collector.events()) == 500)
    assert collector.texts() == RECORDED
    assert len(collector.stored) == 2, "the orphan's events keep the orphan's name"


def test_process_killed_while_it_sends_doubles_nothing(
    run_python: Run, start: Start, collector: CollectorDouble, tmp_path: Path
) -> None:
    collector.answer = lambda request: collector.store(request) and Reply(502, "the answer is lost")
    killed(run_python(RECORD + WAIT_TO_BE_KILLED))
    up(collector)
    agent = start()
    collector.wait_for(lambda: len(collector.events()) == 500)
    assert agent.flush(20)
    agent.stop()
    assert collector.texts() == RECORDED
    assert left_behind(tmp_path) == []


def test_exit_sends_what_it_can(run_python: Run, collector: CollectorDouble, tmp_path: Path) -> None:
    ended(run_python(RECORD + PATIENT_EXIT))
    assert collector.texts() == RECORDED
    assert collector.events("heartbeat")[-1]["stopping"] is True
    assert left_behind(tmp_path) == []


def test_exit_with_a_dead_collector_is_quick_and_loses_nothing(
    run_python: Run, start: Start, collector: CollectorDouble
) -> None:
    measured = RECORD + "started = time.monotonic(); botwatch.stop(); print(time.monotonic() - started)"
    took_s = float(ended(run_python(measured, BOTWATCH_URL="http://127.0.0.1:9")))
    assert took_s < 3

    down(collector)
    ended(run_python(RECORD))
    up(collector)
    start()
    collector.wait_for(lambda: len(collector.events()) == 500)


def test_exit_without_goodbye_loses_nothing(
    run_python: Run, start: Start, collector: CollectorDouble
) -> None:
    ended(run_python(RECORD + "os._exit(0)"))
    start()
    collector.wait_for(lambda: len(collector.events()) == 500)
    assert collector.texts() == RECORDED


def test_forked_child_is_an_instance_of_its_own(run_python: Run, collector: CollectorDouble) -> None:
    program = RECORD + (
        "child = os.fork()\n"
        "botwatch.message(user_id='bob', text='child' if child == 0 else 'parent')\n"
        "assert botwatch.flush(20)\n"
        "if child: os.waitpid(child, 0)\n"
    )
    ended(run_python(program))
    texts = [
        sorted(event["text"] for event in events if event["kind"] == "message")
        for events in collector.stored.values()
    ]
    assert sorted(texts) == sorted([["child"], sorted([*RECORDED, "parent"])])
    assert len({request.header["pid"] for request in collector.requests}) == 2


def test_child_forked_at_any_moment_can_send(run_python: Run, collector: CollectorDouble) -> None:
    program = """
import botwatch, os, threading
botwatch.start(linger_s=0.01)
busy = threading.Event()
def talk():
    while not busy.is_set(): botwatch.message(user_id="parent", text="parent")
thread = threading.Thread(target=talk)
thread.start()
for number in range(10):
    child = os.fork()
    if child == 0:
        botwatch.message(user_id="alice", text=f"child {number}")
        os._exit(0 if botwatch.flush(30) else 1)
    assert os.waitpid(child, 0)[1] == 0
busy.set()
thread.join()
"""
    ended(run_python(program))
    collector.wait_for(lambda: {f"child {number}" for number in range(10)} <= set(collector.texts()))
    children = [text for text in collector.texts() if text != "parent"]
    assert len(children) == 10


def test_child_that_dies_at_once_is_inherited_by_its_parent(
    run_python: Run, collector: CollectorDouble
) -> None:
    program = RECORD + (
        "if os.fork() == 0:\n"
        "    botwatch.message(user_id='bob', text='child'); os._exit(0)\n"
        "os.wait(); print('recorded', flush=True); sys.stdin.read()\n"
    )
    process = run_python(program)
    collector.wait_for(lambda: "child" in collector.texts())
    killed(process)
    assert collector.texts().count("child") == 1


def test_quiet_child_does_not_disturb_the_parent(
    run_python: Run, collector: CollectorDouble, tmp_path: Path
) -> None:
    ended(run_python(RECORD + PATIENT_EXIT + "if os.fork() == 0: sys.exit()\nos.wait()"))
    assert collector.texts() == RECORDED
    assert len(collector.stored) == 1
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_workers_report(
    run_python: Run, collector: CollectorDouble, tmp_path: Path, method: str
) -> None:
    program = tmp_path / "workers.py"
    program.write_text(f"""
import multiprocessing, botwatch
def work(number):
    botwatch.start(linger_s=0.05)
    botwatch.message(user_id="alice", text=f"work {{number}}")
    botwatch.flush(20)
if __name__ == "__main__":
    botwatch.start(linger_s=0.05)
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        pool.map(work, range(20), chunksize=1)
        pool.close()
        pool.join()
""")
    ended(
        run_python(
            f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')", PYTHONPATH=str(tmp_path)
        )
    )
    assert sorted(collector.texts()) == sorted(f"work {number}" for number in range(20))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_that_never_flush_lose_nothing(
    run_python: Run, start: Start, collector: CollectorDouble, tmp_path: Path, method: str
) -> None:
    """multiprocessing ends its children by os._exit: what they recorded is sent by who comes after them."""
    program = tmp_path / "children.py"
    program.write_text(f"""
import multiprocessing, botwatch
def work(number):
    botwatch.start(linger_s=60)
    botwatch.message(user_id="alice", text=f"work {{number}}")
if __name__ == "__main__":
    botwatch.start(linger_s=0.05, adopt_s=0.1)
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work, args=(number,)) for number in range(8)]
    for child in children: child.start()
    for child in children: child.join()
    assert all(child.exitcode == 0 for child in children)
""")
    ended(
        run_python(
            f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')", PYTHONPATH=str(tmp_path)
        )
    )
    heir = start()
    collector.wait_for(lambda: len(collector.events()) >= 8)
    assert heir.flush(20)
    assert sorted(collector.texts()) == [f"work {number}" for number in range(8)]


def test_several_processes_share_a_directory(
    run_python: Run, start: Start, collector: CollectorDouble, tmp_path: Path
) -> None:
    processes = [run_python(RECORD + PATIENT_EXIT) for _ in range(4)]
    for process in processes:
        ended(process)
    heir = start()  # on a busy machine a second may not be enough for the farewell
    collector.wait_for(lambda: len(collector.events()) == 2000)
    assert heir.flush(20)
    heir.stop()
    messages = [
        [event["text"] for event in events if event["kind"] == "message"]
        for events in collector.stored.values()
    ]
    assert [texts for texts in messages if texts] == [RECORDED] * 4
    assert left_behind(tmp_path) == []


def test_one_of_several_heirs_gets_an_orphan(run_python: Run, collector: CollectorDouble) -> None:
    down(collector)
    killed(run_python(RECORD + WAIT_TO_BE_KILLED))
    heirs = [
        run_python("import botwatch, sys; botwatch.start(linger_s=0.05, adopt_s=0.1); sys.stdin.read()")
        for _ in range(3)
    ]
    collector.wait_for(lambda: len({request.header["pid"] for request in collector.requests}) >= 3)
    up(collector)
    collector.wait_for(lambda: len(collector.events()) == 500)
    for heir in heirs:
        ended(heir)
    assert collector.texts() == RECORDED


def test_terminated_process_loses_nothing(run_python: Run, start: Start, collector: CollectorDouble) -> None:
    down(collector)
    process = run_python(RECORD + WAIT_TO_BE_KILLED)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate()
    up(collector)
    start()
    collector.wait_for(lambda: len(collector.events()) == 500)


ENDINGS = {
    "returns": "",
    "exits": "sys.exit()",
    "is asked to": "signal.signal(15, lambda *_: sys.exit()); os.kill(os.getpid(), 15)",
    "is interrupted": "signal.signal(2, lambda *_: sys.exit()); os.kill(os.getpid(), 2)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_thread_that_records_up_to_the_end_loses_nothing_it_recorded(
    run_python: Run, start: Start, collector: CollectorDouble, ending: str
) -> None:
    """A daemon thread outlives the agent's farewell: no gap, nothing twice, no noise."""
    program = (
        RECORD
        + """
import signal, threading
def talk():
    number = 500
    while True:
        botwatch.message(user_id="alice", text=f"message {number}")
        number += 1
        time.sleep(0.0005)
threading.Thread(target=talk, daemon=True).start()
while botwatch.stats()["accepted"] < 600: time.sleep(0.01)
"""
        + ENDINGS[ending]
    )
    ended(run_python(program))
    heir = start()
    assert heir.flush(20)
    collector.wait_for(lambda: len(collector.events()) >= 590)
    assert collector.texts() == [f"message {number}" for number in range(len(collector.events()))]


def test_message_in_the_last_finalizer_is_harmless(run_python: Run, collector: CollectorDouble) -> None:
    program = RECORD + (
        "class Last:\n"
        "    def __del__(self): botwatch.message(user_id='bob', text='last words')\n"
        "last = Last()\n"
    )
    ended(run_python(program))
    assert collector.texts()[:500] == RECORDED


def test_descriptors_are_given_back(start: Start, collector: CollectorDouble) -> None:
    start().stop()
    before = open_descriptors()
    for _ in range(5):
        agent = start()
        agent.message(user_id="alice", text="hello")
        agent.stop(timeout_s=20)
    deadline = time.monotonic() + 10
    while open_descriptors() > before + 1:
        assert time.monotonic() < deadline
