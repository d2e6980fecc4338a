"""A wrong setting stops the start and names itself; a right one is read wherever it stands."""

from pathlib import Path
from typing import Any

import pytest

from botwatch import Agent, ConfigurationError
from botwatch.config import RANGES, is_enabled, read_config
from botwatch.tokens import checksum, is_well_formed

from .collector_double import TOKEN

READ_BODY = "bw_r_" + "r" * 32
URL = "http://127.0.0.1:8400"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"url": None}, "url (BOTWATCH_URL): it is missing"),
        ({"url": "localhost:8400"}, "url (BOTWATCH_URL)"),
        ({"url": "ftp://host"}, "url (BOTWATCH_URL)"),
        ({"url": "http://host:port"}, "url (BOTWATCH_URL)"),
        ({"url": "http://"}, "url (BOTWATCH_URL)"),
        ({"url": "http://host?query"}, "url (BOTWATCH_URL)"),
        ({"token": None}, "token (BOTWATCH_TOKEN): it is missing"),
        ({"token": TOKEN[:-1]}, "token (BOTWATCH_TOKEN): it is not a whole token"),
        ({"token": TOKEN[:20] + "x" + TOKEN[21:]}, "token (BOTWATCH_TOKEN): it is not a whole token"),
        ({"token": READ_BODY + checksum(READ_BODY)}, "token (BOTWATCH_TOKEN): it is a read token"),
        ({"bot": "line\nbreak"}, "bot (BOTWATCH_BOT)"),
        ({"spool_dir": __file__}, "spool_dir (BOTWATCH_SPOOL)"),
        ({"linger_s": 0}, "linger_s"),
        ({"linger_s": "1"}, "linger_s"),
        ({"batch_events": 5001}, "batch_events"),
        ({"batch_events": 10.5}, "batch_events"),
        ({"spool_max_bytes": 1}, "spool_max_bytes"),
        ({"heartbeat_s": float("nan")}, "heartbeat_s"),
        ({"timeout_s": True}, "timeout_s"),
    ],
)
def test_wrong_setting_stops_the_start_and_names_itself(
    settings: dict[str, Any], named: str, monkeypatch
) -> None:
    for name in ("URL", "TOKEN", "TOKEN_FILE", "BOT", "SPOOL"):
        monkeypatch.delenv(f"BOTWATCH_{name}", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Agent().start(**({"url": URL, "token": TOKEN} | settings))
    assert str(caught.value).startswith(named)
    assert TOKEN[5:20] not in str(caught.value)


def config(environ: dict[str, str], **settings: Any):
    times = dict.fromkeys((name for name in RANGES if name.endswith("_s")), 1.0)
    sizes = {"batch_events": 500, "batch_bytes": 1 << 20, "spool_max_bytes": 1 << 20}
    given = {"url": None, "token": None, "bot": None, "version": None, "spool_dir": None} | settings
    return read_config(**given, numbers=times | sizes, environ=environ)


def test_environment_fills_what_is_not_passed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    environ = {
        "BOTWATCH_URL": f"{URL}/",
        "BOTWATCH_TOKEN_FILE": str(tmp_path / "token"),
        "BOTWATCH_BOT": "shop",
        "BOTWATCH_SPOOL": str(tmp_path),
    }
    read = config(environ)
    assert (read.url, read.token, read.bot) == (URL, TOKEN, "shop")
    assert [Path(path).parent for path in read.spool_dirs] == [tmp_path]
    assert config(environ, bot="other").bot == "other"
    assert TOKEN not in repr(read)


def test_unreadable_token_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match="BOTWATCH_TOKEN_FILE"):
        config({"BOTWATCH_URL": URL, "BOTWATCH_TOKEN_FILE": "/nowhere/token"})


def test_spools_are_apart_by_bot_and_survive_a_new_token(tmp_path: Path) -> None:
    other_body = "bw_i_" + "o" * 32
    other = other_body + checksum(other_body)

    def spool(**settings: Any) -> str:
        return config({}, url=URL, spool_dir=tmp_path, **settings).spool_dirs[0]

    assert spool(token=TOKEN) != spool(token=other)
    assert spool(token=TOKEN, bot="shop") == spool(token=other, bot="shop")
    assert spool(token=TOKEN, bot="shop") != spool(token=TOKEN, bot="support")


def test_spool_is_in_the_state_directory_unless_told_otherwise() -> None:
    read = config({"XDG_STATE_HOME": "/state", "TMPDIR": "/temporary"}, url=URL, token=TOKEN)
    assert [path.split("/")[1] for path in read.spool_dirs] == ["state", "temporary"]


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("off", False), ("No", False), ("TRUE", True)])
def test_enabled_is_read(value: str, expected: bool) -> None:
    assert is_enabled(None, {"BOTWATCH_ENABLED": value}) is expected
    assert is_enabled(not expected, {"BOTWATCH_ENABLED": value}) is not expected


def test_enabled_that_is_neither_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="BOTWATCH_ENABLED"):
        is_enabled(None, {"BOTWATCH_ENABLED": "maybe"})


@pytest.mark.parametrize(
    "token", ["", "bw_i_", TOKEN + "0", TOKEN.lower().upper(), "bw_x_" + TOKEN[5:], TOKEN + "\n"]
)
def test_malformed_token_is_seen_without_asking(token: str) -> None:
    assert is_well_formed(TOKEN)
    assert not is_well_formed(token)


def test_checksum_is_base62_of_crc32_padded_to_six_digits() -> None:
    assert checksum("bw_i_0123456789abcdefghijABCDEFGHIJ01") == "0uU522"
