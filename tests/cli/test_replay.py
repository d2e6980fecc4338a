"""`botwatch replay`: everything once, with its own times, whatever happens on the way."""

import gzip
import json
import signal
import time

import pytest

from ..integrations.collector_double import INGEST_TOKEN

MESSAGES = 3000


def recorded(number: int, **more) -> dict:
    is_answer = number % 10 == 9
    minutes, seconds = divmod(number, 60)
    event = {
        "id": f"chat#{number}",
        "seq": number,
        "ts": f"2016-05-01T10:{minutes:02}:{seconds:02}.123Z",
        "ts_precision": "ms",
        "channel": "kitchen",
        "direction": "out" if is_answer else "in",
        "bot": "camperbot",
        "user": None if is_answer else f"user {number % 7}",
        "text": f"message {number} — with\nnewline, \x07 bell, ünïcödé and 🎉",
    }
    if is_answer:
        event |= {
            "reply_to": f"chat#{number - 1}",
            "response_ms": number,
            "reply_rule": "gold",
            "action": True,
        }
    return event | more


@pytest.fixture
def chat(tmp_path):
    """A recording of an hour at most; written whole."""
    path = tmp_path / "chat.ndjson"
    write(path, [recorded(number) for number in range(MESSAGES)])
    return path


def write(path, events) -> None:
    path.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events), "utf-8")


def test_every_message_arrives_with_its_own_time_and_id(run, collector, chat):
    result = run("replay", str(chat), "--max")

    assert (result.returncode, result.stdout) == (0, "")
    assert f"{MESSAGES:,} messages acknowledged" in result.stderr
    assert f"{MESSAGES:,} stored, 0 known already" in result.stderr
    messages = collector.messages()
    assert [m["id"] for m in messages] == [f"chat#{number}" for number in range(MESSAGES)]
    asked, answer = messages[8], messages[9]
    assert (asked["ts"], asked["user_id"], asked["user_name"]) == (1462096808123, "user 1", "user 1")
    assert asked["text"] == recorded(8)["text"]
    assert (answer["direction"], answer["user_id"], answer["response_ms"]) == ("out", None, 9)
    assert answer["channel"] == "kitchen"
    assert answer["attributes"] == {
        "bot": "camperbot",
        "reply_to": "chat#8",
        "reply_rule": "gold",
        "action": True,
        "ts_precision": "ms",
    }


def test_replayed_again_changes_nothing(run, collector, chat):
    run("replay", str(chat), "--max")

    result = run("replay", str(chat), "--max")

    assert result.returncode == 0
    assert f"0 stored, {MESSAGES:,} known already" in result.stderr
    assert len(collector.messages()) == MESSAGES


def test_killed_and_run_again_is_exact(start, run, collector, chat):
    process = start("replay", str(chat), "--speed", "600")
    collector.wait_for(lambda: len(collector.messages()) > 300)
    process.kill()
    process.wait()
    assert len(collector.messages()) < MESSAGES

    result = run("replay", str(chat), "--max")

    assert result.returncode == 0
    assert sorted(m["id"] for m in collector.messages()) == sorted(f"chat#{n}" for n in range(MESSAGES))


def test_outage_is_waited_out(run, collector, chat):
    # The first heartbeat passes, and then nothing for three times.
    collector.trouble.batches = [0, 503, 500, 429]

    result = run("replay", str(chat), "--max")

    assert result.returncode == 0
    assert len(collector.messages()) == MESSAGES


def test_speed_keeps_the_recordings_pace(run, collector, tmp_path):
    path = tmp_path / "slow.ndjson"
    write(path, [recorded(0), recorded(60), recorded(30)])

    started = time.monotonic()
    result = run("replay", str(path), "--speed", "30")

    assert result.returncode == 0
    assert time.monotonic() - started >= 2
    assert len(collector.messages()) == 3


def test_interrupted_it_says_what_is_left(start, collector, chat):
    process = start("replay", str(chat), "--speed", "60")
    collector.wait_for(collector.messages)
    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "stopped after " in err and "Traceback" not in err


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_packed_recording_is_read_from_a_pipe_too(start, collector, pack):
    content = pack("".join(json.dumps(recorded(number)) + "\n" for number in range(5)).encode())
    process = start("replay", "-", "--max")
    process.stdin.buffer.write(content)
    process.stdin.close()

    assert process.wait(60) == 0, process.stderr.read()
    assert len(collector.messages()) == 5


def test_wire_form_is_understood(run, collector):
    event = {"kind": "message", "ts": 1462096808123, "seq": 4, "direction": "in", "text": None}
    event |= {"user_id": "u1", "user_name": "Alice", "wait_ms": 5, "attributes": {"model": "m"}}

    result = run("replay", "-", "--max", stdin=json.dumps(event) + "\n")

    assert result.returncode == 0
    (message,) = collector.messages()
    assert (message["user_id"], message["user_name"], message["text"]) == ("u1", "Alice", None)
    assert (message["ts"], message["wait_ms"], message["attributes"]) == (1462096808123, 5, {"model": "m"})


BAD_LINES = [
    ("{", "not JSON: "),
    ("[]", "expected a JSON object"),
    (recorded(1, ts="yesterday"), "ts: expected ISO 8601 or unix milliseconds since 1970, got 'yesterday'"),
    (recorded(1, ts=-1), "ts: expected"),
    (recorded(1, direction="up"), "direction: expected 'in' or 'out', got 'up'"),
    (recorded(1, text=7), "text: expected a string"),
    (recorded(1, text="x" * 65_537), "text: expected a string of at most 65536 characters"),
    (recorded(1, response_ms=1.5), "response_ms: expected int >= 0 and <= 68719476736, got 1.5"),
    (recorded(1, wait_ms=2**37), "wait_ms: expected int >= 0 and <= 68719476736, got 137438953472"),
    (recorded(1, kind="sample"), "kind: expected 'message', got 'sample'"),
    (recorded(1, attributes={"a": [1]}), "attributes.a: expected"),
    ('{"ts":0,"direction":"in","text":"","x":NaN}', "not JSON: NaN is no JSON number"),
    ('{"ts":0,"direction":"in"}', "text: missing"),
]


@pytest.mark.parametrize(("line", "complaint"), BAD_LINES, ids=[complaint for _, complaint in BAD_LINES])
def test_bad_line_is_named_and_nothing_is_sent(run, collector, tmp_path, line, complaint):
    path = tmp_path / "bad.ndjson"
    line = line if isinstance(line, str) else json.dumps(line)
    path.write_text(f"{json.dumps(recorded(0))}\n\n{line}\n")

    result = run("replay", str(path), "--max")

    assert result.returncode == 1
    assert result.stderr.startswith(f"botwatch: {path}:3: {complaint}")
    assert collector.messages() == []


def test_bad_lines_may_be_skipped(run, collector, tmp_path):
    path = tmp_path / "bad.ndjson"
    path.write_text(f"{json.dumps(recorded(0))}\nnonsense\n{json.dumps(recorded(1))}\n")

    result = run("replay", str(path), "--max", "--skip-bad")

    assert result.returncode == 0
    assert "2 messages acknowledged" in result.stderr and "1 bad lines skipped" in result.stderr
    assert len(collector.messages()) == 2


def test_missing_file_is_named(run):
    result = run("replay", "absent.ndjson")

    assert (result.returncode, "absent.ndjson" in result.stderr) == (1, True)


def test_unknown_token_is_said_at_once(run, collector, chat):
    collector.token = "another"

    result = run("replay", str(chat), "--max", BOTWATCH_TOKEN=INGEST_TOKEN)

    assert result.returncode == 1
    assert result.stderr == "botwatch: the collector refuses: HTTP 401: unknown token\n"


def test_rejected_messages_fail_it(run, collector, chat):
    collector.trouble.batches = [0, 400]

    result = run("replay", str(chat), "--max")

    assert result.returncode == 1
    assert "rejected (HTTP 400: as the test wants it)" in result.stderr


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf"])
def test_impossible_speed_is_refused(run, chat, speed):
    result = run("replay", str(chat), f"--speed={speed}")

    assert result.returncode == 2
    assert f"argument --speed: expected a number above 0, got '{speed}'" in result.stderr
