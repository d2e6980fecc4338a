"""`botwatch send`, `ping`, `doctor` and what all commands share."""

import pytest

import botwatch

from ..integrations.collector_double import INGEST_TOKEN

NOWHERE = "http://127.0.0.1:9"


def test_sent_message_is_stored(run, collector):
    result = run(
        *("send", "good morning", "--user", "42", "--name", "Alice"),
        *("--direction", "out", "--channel", "kitchen", "--response-ms", "120"),
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (message,) = collector.messages()
    expected = {
        "text": "good morning",
        "user_id": "42",
        "user_name": "Alice",
        "direction": "out",
        "channel": "kitchen",
        "response_ms": 120,
    }
    assert expected.items() <= message.items()


def test_text_to_send_may_come_by_a_pipe(run, collector):
    assert run("send", "-", "--user", "cron", stdin="load 0.5\n").returncode == 0

    assert collector.messages()[0]["text"] == "load 0.5\n"


def test_ping_is_one_heartbeat_and_no_message(run, collector):
    result = run("ping")

    assert (result.returncode, result.stderr) == (0, "")
    assert collector.heartbeats() and not collector.messages()


@pytest.mark.parametrize("command", [["ping"], ["send", "hello", "--user", "1"]])
def test_refused_token_fails_at_once(run, collector, command):
    collector.token = "another"

    result = run(*command, BOTWATCH_TOKEN=INGEST_TOKEN)

    assert result.returncode == 1
    assert result.stderr == "botwatch: the collector refuses: HTTP 401: unknown token\n"


def test_read_token_can_not_send(run, collector):
    result = run("ping", BOTWATCH_TOKEN=collector.read_token)

    assert result.returncode == 2
    assert "it is a read token" in result.stderr


def levels(output: str) -> dict[str, str]:
    return {line.split()[1]: line.split()[0] for line in output.splitlines()}


def test_doctor_finds_all_well(run, collector):
    result = run("doctor")

    assert (result.returncode, result.stderr) == (0, "")
    assert levels(result.stdout) == dict.fromkeys(
        ["configuration", "spool", "address", "token", "clock", "heartbeat"], "ok"
    )
    assert collector.heartbeats()


def test_doctor_never_shows_the_token(run, collector):
    assert collector.token not in run("doctor").stdout


def test_doctor_names_an_unreachable_collector(run):
    result = run("doctor", BOTWATCH_URL=NOWHERE)

    assert result.returncode == 1
    assert levels(result.stdout)["address"] == "fail"
    assert "127.0.0.1:9: Connection refused; is the collector running" in result.stdout


def test_doctor_names_an_unknown_host(run):
    result = run("doctor", BOTWATCH_URL="http://no-such-host.invalid")

    assert result.returncode == 1
    assert "no-such-host.invalid: " in result.stdout and "is the name right?" in result.stdout


def test_doctor_names_a_refused_token(run, collector):
    collector.token = "another"

    result = run("doctor", BOTWATCH_TOKEN=INGEST_TOKEN)

    assert result.returncode == 1
    assert "401: unknown token; make a new one: botwatch-collector bot add NAME" in result.stdout


def test_doctor_shows_a_wrong_clock(run, collector):
    collector.clock_skew_s = -90

    result = run("doctor")

    assert result.returncode == 0
    assert levels(result.stdout)["clock"] == "warn"
    assert "s ahead of the collector's; set it by NTP" in result.stdout


def test_doctor_accepts_a_read_token_and_says_what_it_is_for(run, collector):
    result = run("doctor", BOTWATCH_TOKEN=collector.read_token)

    assert result.returncode == 0
    assert levels(result.stdout)["token"] == "warn"
    assert not collector.heartbeats()


def test_doctor_names_a_spool_that_cannot_be(run, tmp_path):
    (tmp_path / "file").write_text("")

    result = run("doctor", "--spool", str(tmp_path / "file" / "spool"))

    assert result.returncode == 1
    assert levels(result.stdout)["spool"] == "fail"
    assert levels(result.stdout)["heartbeat"] == "ok", "the agent itself would go on in memory"


def test_doctor_tells_what_waits_in_the_spool(run, collector, tmp_path):
    agent = botwatch.Agent().start(NOWHERE, collector.token, spool_dir=tmp_path / "spool", enabled=True)
    for number in range(9):
        agent.message(user_id="alice", text=f"message {number}")
    agent.stop()

    for _ in range(2):
        result = run("doctor", "--spool", str(tmp_path / "spool"))
        assert "11 events of ended processes wait for the bot's next start" in result.stdout


def test_doctor_names_a_port_without_encryption(run, collector):
    result = run("doctor", BOTWATCH_URL=collector.url.replace("http:", "https:"))

    assert result.returncode == 1
    assert "is it http instead of https?" in result.stdout


@pytest.mark.parametrize("command", ["tail", "send", "ping", "replay", "doctor"])
def test_help_has_examples(run, command):
    result = run(command, "--help")

    assert result.returncode == 0
    assert f"botwatch {command}" in result.stdout.partition("examples:")[2]


def test_command_is_required(run):
    result = run()

    assert result.returncode == 2
    assert "usage: botwatch" in result.stderr


def test_environment_of_a_proxy_is_seen(run):
    result = run("doctor", HTTP_PROXY="http://proxy.example:3128", BOTWATCH_URL="http://watch.example")

    assert "by the proxy proxy.example" in result.stdout
    assert result.returncode == 1
