"""Tokens: recognisable, kept as hashes, ended at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from botwatch_collector import db
from botwatch_collector.access import bots, tokens
from botwatch_collector.clock import MINUTE
from botwatch_collector.errors import InvalidParameter, NotFound, Unauthorized
from botwatch_collector.models import Token

NOW = 1_764_000_000_000


def test_token_has_prefix_randomness_and_checksum() -> None:
    ingest, read = tokens.make("ingest"), tokens.make("read")

    assert ingest.startswith("bw_i_") and read.startswith("bw_r_")
    assert len(ingest) == len(read) == 5 + 32 + 6
    assert ingest[5:-6] != read[5:-6]
    assert tokens.is_well_formed(ingest) and tokens.is_well_formed(read)


@pytest.mark.parametrize(
    ("body", "crc32"),
    # The check value of CRC-32's definition, and an empty one, which has to be padded.
    [("123456789", 0xCBF43926), ("", 0)],
)
def test_checksum_is_crc32_in_base_62(body: str, crc32: int) -> None:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    checksum = tokens.checksum(body)

    value = 0
    for char in checksum:
        value = value * 62 + digits.index(char)
    assert value == crc32
    assert len(checksum) == 6


MANGLED: tuple[Callable[[str], str], ...] = (
    lambda secret: secret[:-1],
    lambda secret: secret + "0",
    lambda secret: secret[:10] + ("a" if secret[10] != "a" else "b") + secret[11:],
    lambda secret: secret.replace("bw_i_", "bw_r_"),
    lambda secret: "bw_i_" + "\N{SUPERSCRIPT TWO}" * 38,
    lambda secret: f" {secret}",
    lambda secret: f"{secret}\n",
    lambda secret: "bw_i_\0" + secret[6:],
    lambda secret: "",
)


@pytest.mark.parametrize("mangle", MANGLED)
def test_mangled_token_is_refused_without_asking_the_database(mangle: Callable[[str], str]) -> None:
    secret = tokens.make("ingest")
    assert not tokens.is_well_formed(mangle(secret))


def test_token_is_found_with_its_bot(database: None) -> None:
    alpha = bots.add("alpha", NOW)
    _, secret = tokens.add("ingest", NOW, bot=alpha)

    found = tokens.find(secret, NOW)

    assert (found.scope, found.bot_id, found.bot.name) == ("ingest", alpha.id, "alpha")
    assert found.hint == secret[-4:]


def test_unknown_token_is_refused(database: None) -> None:
    with pytest.raises(Unauthorized, match="unknown"):
        tokens.find(tokens.make("read"), NOW)


def test_revoked_token_is_refused_at_once(database: None) -> None:
    token, secret = tokens.add("read", NOW)
    tokens.find(secret, NOW)

    assert tokens.revoke(token, NOW)

    with pytest.raises(Unauthorized, match="revoked"):
        tokens.find(secret, NOW)
    assert not tokens.revoke(token, NOW)


def test_rotated_token_gives_way_to_one_like_it(database: None) -> None:
    alpha = bots.add("alpha", NOW)
    old, old_secret = tokens.add("ingest", NOW, bot=alpha, name="home server")

    new, secret = tokens.rotate(old, NOW)

    found = tokens.find(secret, NOW)
    assert (found.id, found.scope, found.bot_id, found.name) == (new.id, "ingest", alpha.id, "home server")
    with pytest.raises(Unauthorized):
        tokens.find(old_secret, NOW)
    with pytest.raises(InvalidParameter, match="revoked already"):
        tokens.rotate(old, NOW)


def test_use_is_noted_once_a_minute(database: None) -> None:
    token, secret = tokens.add("read", NOW)

    def used_at(now: int) -> int | None:
        tokens.find(secret, now)
        return Token.get_by_id(token.id).last_used_at

    assert used_at(NOW) == NOW
    assert used_at(NOW + MINUTE - 1) == NOW
    assert used_at(NOW + MINUTE) == NOW + MINUTE


def test_ingest_token_needs_a_bot(database: None) -> None:
    with pytest.raises(InvalidParameter, match="belongs to a bot"):
        tokens.add("ingest", NOW)
    with pytest.raises(InvalidParameter, match="scope"):
        tokens.add("write", NOW)


def test_token_is_named_by_id_or_hint(database: None) -> None:
    token, _ = tokens.add("read", NOW)
    Token.update(hint="AAAA").where(Token.id == token.id).execute()
    other, _ = tokens.add("read", NOW)
    Token.update(hint="BBBB").where(Token.id == other.id).execute()

    assert tokens.named(str(token.id)).id == tokens.named("AAAA").id == token.id
    for unknown in ("CCCC", "99", "9" * 30, "\N{SUPERSCRIPT TWO}"):
        with pytest.raises(NotFound, match="no token"):
            tokens.named(unknown)

    Token.update(hint="BBBB").where(Token.id == token.id).execute()
    with pytest.raises(NotFound, match="fits the tokens"):
        tokens.named("BBBB")


def test_secret_is_nowhere_in_the_database(database: None, database_url: str) -> None:
    alpha = bots.add("alpha", NOW)
    secrets = [tokens.add("ingest", NOW, bot=alpha)[1], tokens.add("read", NOW)[1]]
    for secret in secrets:
        tokens.find(secret, NOW)

    kept = everything(database_url)

    assert b"alpha" in kept
    assert [secret for secret in secrets if secret.encode() in kept or secret[5:-6].encode() in kept] == []


def everything(database_url: str) -> bytes:
    """All that is stored: the bytes of the files on SQLite, all rows of all tables on PostgreSQL."""
    if not db.is_postgresql():
        path = Path(database_url.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))
    tables = db.database.get_tables()
    rows = [db.database.execute_sql(f'SELECT * FROM "{table}"').fetchall() for table in tables]
    return repr(rows).encode()
