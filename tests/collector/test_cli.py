"""The command line: what it prints where, and how it fails."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from botwatch_collector import __name__ as package
from botwatch_collector import db
from botwatch_collector.access import accounts, tokens
from botwatch_collector.cli import main
from botwatch_collector.cli.output import printable
from botwatch_collector.clock import DAY, now
from botwatch_collector.models import Bot, Message, MessageDay, Token

from .server import COMMAND, Server
from .test_retention import put

PASSWORD = "correct horse battery"

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command in this process on the test's database; `given` is its standard input."""
    for name in [name for name in os.environ if name.startswith("BOTWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOTWATCH_DATABASE", database_url)
    connect(database_url)

    def invoke(*arguments: str, given: str = "", **environment: str) -> Result:
        # Models are bound to one database: the command brings its own, and then the test goes on.
        db.database.close_all()
        result = CliRunner().invoke(main, arguments, input=given, env=environment)
        connect(database_url)
        return result

    yield invoke
    db.database.close_all()


def connect(url: str) -> None:
    db.connect(url)
    db.database.connect()


def failure(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    return result.stderr


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0
    return [re.split(r" {2,}", line) for line in result.stdout.splitlines()]


def test_added_bot_has_its_token_alone_on_stdout(run: Run) -> None:
    added = run("bot", "add", "alpha")

    assert added.exit_code == 0
    secret = added.stdout.removesuffix("\n")
    assert secret.startswith("bw_i_") and tokens.is_well_formed(secret)
    assert "alpha" in added.stderr and secret not in added.stderr
    assert tokens.find(secret, now()).bot.name == "alpha"
    assert [row[1] for row in rows(run("bot", "list"))] == ["NAME", "alpha"]


def test_bot_is_added_once(run: Run) -> None:
    run("bot", "add", "alpha")
    assert "'alpha' already" in failure(run("bot", "add", "alpha"))
    assert "letters, digits" in failure(run("bot", "add", "a\x1b[31m"))


def test_bot_is_retired_and_brought_back(run: Run) -> None:
    run("bot", "add", "alpha")
    assert run("bot", "retire", "alpha").exit_code == 0
    assert rows(run("bot", "list"))[1][3] != "-"
    assert "is retired" in failure(run("token", "add", "--scope", "ingest", "--bot", "alpha"))
    assert run("bot", "bring-back", "alpha").exit_code == 0
    assert rows(run("bot", "list"))[1][3] == "-"
    assert "no bot 'beta'" in failure(run("bot", "retire", "beta"))


def test_read_token_is_for_one_bot_or_all(run: Run) -> None:
    run("bot", "add", "alpha")
    general = run("token", "add", "--scope", "read", "--name", "prometheus").stdout.strip()
    special = run("token", "add", "--scope", "read", "--bot", "alpha").stdout.strip()

    assert tokens.find(general, now()).bot_id is None
    assert tokens.find(special, now()).bot.name == "alpha"
    listed = rows(run("token", "list"))
    assert [row[:5] for row in listed[2:]] == [
        ["2", "read", "all", "prometheus", general[-4:]],
        ["3", "read", "alpha", "-", special[-4:]],
    ]
    assert general not in run("token", "list").output

    assert "no bot 'beta'" in failure(run("token", "add", "--scope", "read", "--bot", "beta"))
    assert "belongs to a bot" in failure(run("token", "add", "--scope", "ingest"))


def test_ping_key_is_printed_alone_and_its_address_for_people(run: Run) -> None:
    run("bot", "add", "alpha")
    made = run(
        *("token", "add", "--scope", "ping", "--bot", "alpha", "--every", "5m", "--grace", "90s"),
        BOTWATCH_PUBLIC_URL="https://watch.example.org",
    )
    key = made.stdout.removesuffix("\n")
    found = tokens.find(key, now())
    assert (found.scope, found.period_s, found.grace_s) == ("ping", 300, 90)
    assert f"https://watch.example.org/ping/{key}" in made.stderr

    rotated = tokens.find(run("token", "rotate", str(found.id)).stdout.removesuffix("\n"), now())
    assert (rotated.period_s, rotated.grace_s) == (300, 90)
    assert "belongs to a bot" in failure(run("token", "add", "--scope", "ping"))
    wrong = run("token", "add", "--scope", "ping", "--bot", "alpha", "--every", "0m")
    assert wrong.exit_code == 2 and "such as 5m" in wrong.stderr


def test_token_is_revoked_by_id_or_end(run: Run) -> None:
    secrets = [run("token", "add", "--scope", "read").stdout.strip() for _ in range(2)]

    assert run("token", "revoke", "1").exit_code == 0
    assert run("token", "revoke", secrets[1][-4:]).exit_code == 0

    assert [token.revoked_at is None for token in tokens.listed()] == [False, False]
    assert "no token '9'" in failure(run("token", "revoke", "9"))


def test_rotated_token_is_printed_alone(run: Run) -> None:
    run("bot", "add", "alpha")
    rotated = run("token", "rotate", "1")
    assert tokens.find(rotated.stdout.removesuffix("\n"), now()).bot.name == "alpha"
    assert "revoked already" in failure(run("token", "rotate", "1"))


def test_account_is_added_changed_and_disabled(run: Run) -> None:
    assert run("account", "add", "Bob", "--role", "operator", given=PASSWORD + "\n").exit_code == 0
    assert accounts.verified("bob", PASSWORD)

    assert run("account", "passwd", "bob", given="another password\n").exit_code == 0
    assert accounts.verified("bob", "another password")

    assert run("account", "disable", "bob").exit_code == 0
    assert not accounts.verified("bob", "another password")
    listed = rows(run("account", "list"))[1]
    assert listed[:2] == ["bob", "operator"] and listed[3] != "-"
    assert run("account", "enable", "bob").exit_code == 0
    assert accounts.verified("bob", "another password")


def test_bad_password_is_refused(run: Run, tmp_path: Path) -> None:
    assert "10 to 1024" in failure(run("account", "add", "bob", given="short\n"))
    assert "no password in standard input" in failure(run("account", "add", "bob"))
    assert "--password-file" in failure(
        run("account", "add", "bob", "--password-file", str(tmp_path / "none"))
    )
    assert accounts.listed() == []


def test_password_comes_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\nnot this\n")
    run("account", "add", "bob", "--password-file", str(tmp_path / "password"))
    run("account", "add", "carol", "--password-file", "-", given=PASSWORD + "\n")
    assert accounts.verified("bob", PASSWORD) and accounts.verified("carol", PASSWORD)


def test_init_makes_the_first_account_and_may_be_repeated(run: Run) -> None:
    assert run("init", "--username", "alice", given=PASSWORD + "\n").exit_code == 0
    again = run("init", "--username", "alice", given="another password\n")

    assert again.exit_code == 0 and "already" in again.stderr
    alice = accounts.verified("alice", PASSWORD)
    assert alice is not None and alice.role == "admin"


def test_init_takes_the_account_of_the_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    environment = {"BOTWATCH_ADMIN_USER": "alice", "BOTWATCH_ADMIN_PASSWORD_FILE": str(tmp_path / "password")}
    assert run("init", **environment).exit_code == 0
    assert accounts.verified("alice", PASSWORD)


def test_init_without_a_name_says_what_is_missing(run: Run) -> None:
    done = run("init")
    assert done.exit_code == 0
    assert "--username" in done.stderr
    assert accounts.listed() == []


def test_migrate_tells_what_it_did(run: Run, tmp_path: Path) -> None:
    assert "up to date" in run("migrate", "--check").stderr
    empty = {"BOTWATCH_DATABASE": f"sqlite:///{tmp_path}/new.db"}
    assert "not applied yet: 0001_initial" in failure(run("migrate", "--check", **empty))
    assert "Applied 0001_initial" in run("migrate", **empty).stderr
    assert "up to date" in run("migrate", "--check", **empty).stderr


def test_any_command_lays_the_schema_first(run: Run, tmp_path: Path) -> None:
    added = run("bot", "add", "alpha", BOTWATCH_DATABASE=f"sqlite:///{tmp_path}/folder/new.db")
    assert added.exit_code == 0 and added.stdout.startswith("bw_i_")


def test_newer_schema_is_refused(run: Run) -> None:
    db.database.execute_sql("INSERT INTO migration VALUES (9000, 'later', '', 0)")
    assert "schema 9000" in failure(run("bot", "add", "alpha"))
    assert Bot.select().count() == 0


def test_unreachable_database_is_one_line(run: Run) -> None:
    said = failure(run("bot", "list", BOTWATCH_DATABASE="postgresql://alice:hidden@127.0.0.1:1/none"))
    assert "BOTWATCH_DATABASE" in said and "hidden" not in said


def test_bad_setting_is_named(run: Run) -> None:
    assert "BOTWATCH_LISTEN" in failure(run("bot", "list", BOTWATCH_LISTEN="nowhere"))
    assert run("bot").exit_code == run("nonsense").exit_code == 2


def test_list_shows_control_characters_as_escapes(run: Run) -> None:
    run("token", "add", "--scope", "read", "--name", "a\x1b[31mb\nc\u202e")
    listed = run("token", "list").stdout
    assert r"a\x1b[31mb\nc\u202e" in listed
    assert printable("Zoë's bot") == "Zoë's bot"


def test_health_asks_the_running_server(server: Server) -> None:
    assert "[+]database ok" in server.command("health", "--url", server.url)
    server.terminate()
    done = subprocess.run(
        [*COMMAND, "health", "--url", server.url], env=server.environment, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"error: {server.url} does not answer")


def test_commands_work_beside_a_running_server(server: Server) -> None:
    secret = server.add_bot("alpha")
    assert server.command("bot", "list").splitlines()[1].split()[1] == "alpha"
    assert server.add_read_token("alpha").startswith("bw_r_")
    assert secret.startswith("bw_i_")


def test_tokens_of_the_command_line_are_kept_as_hashes(run: Run) -> None:
    secret = run("bot", "add", "alpha").stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{64}", Token.get().hash)
    assert secret not in repr(list(Token.select().dicts()))


def test_package_runs_as_a_command() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "serve" in done.stdout and package == "botwatch_collector"


def test_prune_removes_what_is_old_and_says_how_much(run: Run, tmp_path: Path) -> None:
    run("bot", "add", "alpha")
    put("message", now() - 91 * DAY, now())

    counted = rows(run("prune", "--dry-run"))
    assert ["message", "1"] in counted
    assert Message.select().count() == 2

    assert rows(run("prune", "--archive", str(tmp_path / "archive"))) == counted
    assert Message.select().count() == 1
    assert len(list((tmp_path / "archive" / "alpha").iterdir())) == 1
    assert ["message", "0"] in rows(run("prune"))


def test_rollups_are_rebuilt(run: Run) -> None:
    run("bot", "add", "alpha")
    put("message", now(), now())
    MessageDay.update(messages_in=99).execute()

    assert "Counted 2 messages" in run("rollup", "rebuild").stderr
    assert MessageDay.get().messages_in == 2


@pytest.mark.parametrize("days", ["-1", "ninety", "1.5"])
def test_bad_age_is_named(run: Run, days: str) -> None:
    assert "BOTWATCH_KEEP_MESSAGES" in failure(run("prune", BOTWATCH_KEEP_MESSAGES=days))
