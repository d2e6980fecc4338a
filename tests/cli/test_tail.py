"""`botwatch tail` against a stream that breaks, refuses and carries hostile text."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys

import pytest

from ..integrations.collector_double import READ_TOKEN
from .conftest import SCRIPT, clean_environment


def environment(collector, **more: str) -> dict[str, str]:
    found = clean_environment() | {"PYTHONWARNINGS": "error", "TERM": "xterm", "TZ": "UTC"}
    found.pop("NO_COLOR", None)
    return found | {"BOTWATCH_URL": collector.url, "BOTWATCH_TOKEN": collector.read_token} | more


class Terminal:
    """A command that runs in a terminal of its own."""

    def __init__(self, *command: str, environment: dict[str, str]) -> None:
        self.handle, inside = pty.openpty()
        into = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", into, str(SCRIPT), *command], env=environment, stdin=inside
        )
        os.close(inside)
        self._read = b""

    def line(self) -> str:
        while b"\n" not in self._read:
            self._read += os.read(self.handle, 4_096)
        line, self._read = self._read.split(b"\n", 1)
        return line.decode().removesuffix("\r")

    def rest(self) -> str:
        """All until its end, which a terminal tells by an error."""
        try:
            while piece := os.read(self.handle, 4_096):
                self._read += piece
        except OSError:
            pass
        return self._read.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.handle)


@pytest.fixture
def terminal(collector):
    """Starts a command in a terminal."""
    opened = []

    def start(*command: str, **more: str) -> Terminal:
        opened.append(Terminal(*command, environment=environment(collector, **more)))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def tail(start, collector):
    """Starts `botwatch tail` and returns once it listens."""

    def start_tail(*arguments: str):
        process = start("tail", *arguments, BOTWATCH_TOKEN=collector.read_token, TZ="UTC")
        collector.wait_for(lambda: collector.stream_requests)
        return process

    return start_tail


def test_prints_messages_as_they_happen(tail, collector):
    process = tail()

    collector.publish("hello", channel="kitchen")
    line = process.stdout.readline()

    assert line == "2026-11-23 08:00:00  shop  kitchen  from Alice  hello\n" or line.startswith(
        "08:00:00  shop"
    )


def test_answer_shows_its_times(tail, collector):
    process = tail()

    collector.publish("hi", direction="out", response_time=120, wait_ms=4000)

    assert process.stdout.readline().endswith("to Alice  hi  answered in 120 ms, waited 4000 ms\n")


def test_json_is_one_object_a_line(tail, collector):
    process = tail("--json")

    published = collector.publish("Grüße\nvon \x1b[31mhier\x7f \u202e")
    line = process.stdout.readline()

    assert json.loads(line) == published
    assert line.rstrip("\n").isascii() and line.rstrip("\n").isprintable()


def test_goes_on_exactly_where_a_broken_stream_stopped(tail, collector):
    collector.trouble.frames_per_stream = 3
    process = tail("--json")

    for number in range(20):
        collector.publish(f"message {number}")
    lines = [json.loads(process.stdout.readline())["message_text"] for _ in range(20)]

    assert lines == [f"message {number}" for number in range(20)]
    assert [request["since"] for request in collector.stream_requests[:3]] == [None, "3", "6"]


def test_waits_out_a_collector_in_trouble(tail, collector):
    collector.trouble.streams = [503, 500, 429]
    process = tail()
    collector.wait_for(lambda: len(collector.stream_requests) == 4)

    collector.publish("hello")

    assert "hello" in process.stdout.readline()
    assert "503" in process.stderr.readline()


def test_begins_after_a_given_message(start, collector):
    for number in range(4):
        collector.publish(f"message {number}")

    process = start("tail", "--since", "2", BOTWATCH_TOKEN=collector.read_token)

    assert ["message 2" in process.stdout.readline(), "message 3" in process.stdout.readline()] == [True] * 2


def test_filters_reach_the_collector(tail, collector):
    tail("--bot", "shop", "--user", "7", "--direction", "in", "--channel", "kitchen", "--text", "tea")

    asked = {"bot": "shop", "user": "7", "direction": "in", "channel": "kitchen", "text": "tea"}
    assert collector.stream_requests == [asked | {"since": None, "path": "/debug/message-stream"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("two\nlines\r\n", "two⏎lines\\x0d⏎"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("naïve 🎉 👩\u200d💻", "naïve 🎉 👩\u200d💻"),
    ],
)
def test_hostile_text_cannot_command_the_terminal(tail, collector, text, shown):
    process = tail()

    collector.publish(text, user_name=text)

    assert process.stdout.readline().endswith(f"from {shown}  {shown}\n")


def test_refused_token_ends_it_at_once(run, collector):
    collector.read_token = "another"
    result = run("tail", BOTWATCH_TOKEN=READ_TOKEN)

    assert result.returncode == 1
    assert result.stderr == "botwatch: the collector refuses the stream, 401: unknown token\n"


def test_interrupt_ends_it_without_a_trace(tail):
    process = tail()
    process.send_signal(signal.SIGINT)

    assert process.wait(10) == 130
    assert process.stderr.read() == ""


def test_closed_reader_ends_it_without_a_trace(tail, collector):
    process = tail()
    process.stdout.close()

    collector.publish("nobody reads this")

    assert process.wait(10) == 0
    assert process.stderr.read() == ""


def test_pipe_ends_with_its_reader_though_nothing_happens(collector):
    collector.trouble.pings_s = 0.1
    collector.publish("first")
    done = subprocess.run(
        [f"{SCRIPT} tail --since 0 --json | head -n 1"],
        shell=True,
        env=environment(collector),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout)["message_text"] == "first"
    assert done.stderr == ""


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202e"


def test_terminal_gets_colours_and_nothing_else_to_obey(terminal, collector):
    collector.publish(HOSTILE, user_name=HOSTILE, channel=HOSTILE, bot=HOSTILE)
    line = terminal("tail", "--since", "0").line()

    assert "\x1b[36mfrom " in line and line.count("\x1b[0m") == 3
    plain = re.sub(r"\x1b\[[0-9]+m", "", line)
    assert plain.isprintable()
    assert plain.count("\\x1b[2J\\x1b]0;owned\\x07\\x9b31m\\x0d⏎\\u202e") == 4


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_without_colours(terminal, collector, environment):
    collector.publish("hello")
    line = terminal("tail", "--since", "0", **environment).line()

    assert line.isprintable() and line.endswith("from Alice  hello")


def test_ctrl_c_in_a_terminal_ends_it_without_a_trace(terminal, collector):
    collector.publish("hello")
    shown = terminal("tail", "--since", "0")
    assert "hello" in shown.line()
    os.write(shown.handle, b"\x03")

    assert shown.process.wait(30) == 130
    assert shown.rest() in ("", "^C")


def test_unreachable_collector_is_said_once(start):
    process = start("tail", "--url", "http://127.0.0.1:9")

    said = process.stderr.readline()
    assert said.startswith("botwatch: no connection to the collector (") and "Connection refused" in said


def test_connection_that_breaks_is_told_in_words(start):
    """As a killed collector leaves it: in the middle of a chunk."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = start("tail", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            connection.recv(4_096)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head + b"7\r\n: hello")

    said = "botwatch: no connection to the collector (it broke off); connecting again\n"
    assert process.stderr.readline() == said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--url", "localhost:8400"],
            "url (BOTWATCH_URL): expected http(s)://host[:port], got 'localhost:8400'",
        ),
        (["--token", "bw_r_cut"], "token: it is not a whole token, was it cut or mistyped?"),
    ],
)
def test_wrong_setting_is_named(run, arguments, complaint):
    result = run("tail", *arguments)

    assert (result.returncode, result.stderr) == (2, f"botwatch: {complaint}\n")


def test_missing_setting_is_named(run):
    result = run("tail", BOTWATCH_TOKEN="")

    assert result.returncode == 2
    assert "BOTWATCH_TOKEN" in result.stderr


def test_token_file_that_cannot_be_read_is_named(run, tmp_path):
    result = run("tail", BOTWATCH_TOKEN="", BOTWATCH_TOKEN_FILE=str(tmp_path / "absent"))

    assert result.returncode == 2
    assert "BOTWATCH_TOKEN_FILE" in result.stderr and "absent" in result.stderr


def test_other_channels_are_asked_for_by_name(tail, collector):
    process = tail("--channels", "presence,messages")

    collector.publish("", "presenceUpdate", online_status="away", custom_message="at \x1b[31mlunch")
    collector.publish("hello")

    assert process.stdout.readline().endswith("shop  Alice is away  at \\x1b[31mlunch\n")
    assert process.stdout.readline().endswith("from Alice  hello\n")
    (asked,) = collector.stream_requests
    assert (asked["path"], asked["channels"]) == ("/api/monitoring/stream", "presence,messages")
