"""What must not be kept is nowhere: not in the spool, not on the wire."""

import random
import string
import time
from collections.abc import Callable
from pathlib import Path
from timeit import repeat
from typing import Any

import pytest

from botwatch import Agent, ConfigurationError
from botwatch.config import read_privacy
from botwatch.privacy import Privacy, checked_privacy, rules_from
from botwatch.scrub import SUSPECT
from botwatch.tokens import checksum

from .collector_double import TOKEN, CollectorDouble

Start = Callable[..., Agent]
KEY = "a key that only this bot knows"
WORD = string.ascii_letters + string.digits
TOKEN_LIKE = WORD + "-_"
NO_DIGITS = string.ascii_letters

BOTWATCH_TOKENS = ["bw_i_" + "s" * 32, "bw_r_" + "S0" * 16, "bw_p_" + "x9" * 16]

# A text around a secret, and the secret.
SECRETS = [
    ("my token is {}, thanks", "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"),
    ("https://api.telegram.org/bot{}/getMe", "5123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw9"),
    ("slack {}", "xoxb-" + "123456789012-abcdefABCDEF"),
    ("slack {}", "xapp-1-A0123456789-abcdefabcdef"),
    ("discord {}!", "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"),
    ("{}", "https://hooks.slack.com/services/TABCDEFGH/BABCDEFGH/abcdefghijklmnopqrstuvwx"),
    ("{}", "https://discord.com/api/webhooks/1234567890/abcdefghijklmnopqrstuvwxyz"),
    ("Authorization: Bearer {}", "abcdefghijklmnopqrstuvwxyz"),
    ("authorization: bearer {}", "s3cr3t.token"),
    ("Authorization: Basic {}", "YWxpY2U6aHVudGVyMg=="),
    ("jwt {}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r"),
    ("openai {}", "sk-proj-abcdefghijklmnopqrstuv"),
    ("stripe sk_live_{}", "abcdefghijklmnopqrstuvwx"),
    ("aws {}", "AKIAIOSFODNN7EXAMPLE"),
    ("google {}", "AIzaSyDdI0hCZtE6vySjMm-WEfRq3CPzqKqqsHI"),
    ("github {}", "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"),
    ("page {}", "EAA" + "bCdEfGhIj" * 6),
    ("password: {}", "hunter2"),
    ('{{"api_key": "{}"}}', "0123abcd"),
    ("failed: postgresql://bot:{}@db.example.org/chats", "geheim"),
    ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA"),
    ("my card is {}", "4111 1111 1111 1111"),
    ("{} 12/29 123", "4111-1111-1111-1111"),
    ("2025 {}", "378282246310005"),
    ("{}", "6011111111111117"),
    ("write to {}, please", "alice.smith+bot@mail.example.co.uk"),
    ("ask <{}>", "jörg@bücher.example"),
    *(("ours {}", token + checksum(token)) for token in BOTWATCH_TOKENS),
]

HARMLESS = [
    "Hello, what is the weather like in Lisbon today?",
    "at 10:30, see https://example.org/a-b-c?page=2 :)",
    "<@123456789012345678> wrote at 1732444444444",
    "call +49 30 1234567 or 4111 1111 1111 1112",
    "@alice: token please, my password: I forgot it",
    "Bearer bonds and basic understanding of snake_case_names and super-awesome-frameworks",
    "python 3.11.7, numpy==2.1.0, 1.5e-10, 192.168.178.201, 2026-11-24T11:00:00Z",
    "",
]


def files_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def everything(collector: CollectorDouble) -> str:
    return repr(collector.stored)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secret_is_nowhere(text: str, secret: str) -> None:
    hostile = text.format(secret)
    assert secret not in Privacy().scrubbed(hostile)
    assert SUSPECT.search(hostile), "the quick look passed what the thorough one finds"


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_kept(text: str) -> None:
    assert Privacy().scrubbed(text) == text


def test_secrets_reach_neither_disk_nor_wire(
    start: Start, collector: CollectorDouble, tmp_path: Path
) -> None:
    agent = start(linger_s=60)
    for text, secret in SECRETS:
        hostile = text.format(secret)
        agent.message(user_id="alice", text=hostile, user_name=hostile)
        agent.message(user_id="alice", text="?", attributes={"note": hostile, "api_key": "swordfish"})
        with agent.respond(user_id="alice", text=hostile.encode()) as response:
            response.reply(hostile)
    on_disk = files_in(tmp_path / "spool")
    assert on_disk.count(b'"kind":"message"') == 4 * len(SECRETS)
    assert [secret for _, secret in SECRETS if secret.encode() in on_disk] == []
    assert b"swordfish" not in on_disk

    assert agent.flush(20)
    assert len(collector.events()) == 4 * len(SECRETS)
    assert [secret for _, secret in SECRETS if secret in everything(collector)] == []


def samples(seed: int) -> list[str]:
    """Secrets of every kind made of random characters, also without any digit."""
    pick = random.Random(seed)
    letters = pick.choice((TOKEN_LIKE, WORD, NO_DIGITS))

    def some(count: int, of: str = letters) -> str:
        return "".join(pick.choices(of, k=count))

    card = pick.choice("23456") + some(14, string.digits)
    groups = pick.choice(("", " ", "-"))
    whole = next(card + digit for digit in string.digits if is_valid(card + digit))
    return [
        f"{pick.randrange(10**5, 10**10)}:{some(35)}",
        f"xox{pick.choice('abprs')}-{some(24, NO_DIGITS)}",
        f"{some(24)}.{some(6)}.{some(27)}",
        f"eyJ{some(20)}.eyJ{some(20)}.{some(20)}",
        f"bw_{pick.choice('irp')}_{some(38, WORD)}",
        f"sk-{some(20)}",
        f"ghp_{some(36, WORD)}",
        f"AKIA{some(16, string.ascii_uppercase)}",
        f"Bearer {some(24)}",
        f"token={some(8)}1",
        groups.join(whole[at : at + 4] for at in range(0, 16, 4)),
        f"{some(8, WORD)}@{some(6, NO_DIGITS)}.org",
        f"amqp://bot:{some(8)}@host",
    ]


def is_valid(number: str) -> bool:
    """Luhn's check, written the long way."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@pytest.mark.parametrize("seed", range(50))
def test_random_secret_is_found(seed: int) -> None:
    for secret in samples(seed):
        text = f"so, {secret} it is"
        assert SUSPECT.search(text), text
        assert secret not in Privacy().scrubbed(text)


@pytest.mark.parametrize(
    "piece", ["a", "1 ", "4444 ", "://", "token=", "Bearer ", "a.b@", "a@b.", "-----BEGIN "]
)
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    """Where an expression backtracks, 16 times the text takes 256 times as long, or forever."""
    scrubbed = Privacy().scrubbed
    size = 4096 // len(piece)
    short_s, long_s = (
        min(repeat(lambda n=n: scrubbed(piece * n + "1"), number=1, repeat=9, timer=time.thread_time))
        for n in (size, 16 * size)
    )
    assert long_s < 100 * short_s


def recorded(start: Start, collector: CollectorDouble, rules: dict[str, str], **fields: Any) -> Any:
    agent = start(privacy=rules, privacy_key=KEY)
    agent.message(**({"user_id": "alice", "text": "call me on 555 1234"} | fields))
    assert agent.flush(20)
    return collector.events()[-1]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("keep", "call me on 555 1234"),
        ("truncate:4", "call"),
        ("truncate", "call me on 555 1234"),
        ("mask", "**** ** ** *** ****"),
        ("drop", None),
    ],
)
def test_policy_of_the_text(
    start: Start, collector: CollectorDouble, tmp_path: Path, rule: str, kept: str | None
) -> None:
    assert recorded(start, collector, {"text": rule})["text"] == kept
    if kept is None or "call me" not in kept:
        assert b"call me" not in files_in(tmp_path / "spool")


def test_each_field_has_its_own_policy(start: Start, collector: CollectorDouble) -> None:
    rules = {"user_name": "mask", "channel": "drop", "attributes": "drop", "attributes.plan": "keep"}
    event = recorded(
        start, collector, rules, user_name="Alice", channel="c1", attributes={"plan": "pro", "city": "Rome"}
    )
    assert event["user_name"] == "*****"
    assert "channel" not in event
    assert event["attributes"] == {"plan": "pro"}


def test_hashed_user_is_the_same_user_in_every_process_with_the_key(
    start: Start, collector: CollectorDouble
) -> None:
    first = recorded(start, collector, {"user_id": "hash"})["user_id"]
    again = recorded(start, collector, {"user_id": "hash", "text": "drop"})["user_id"]
    other = recorded(start, collector, {"user_id": "hash"}, user_id="bob")["user_id"]
    number = recorded(start, collector, {"user_id": "hash"}, user_id=42)["user_id"]
    assert first == again == Privacy((("user_id", "hash"),), KEY.encode()).applied("user_id", "alice")
    assert len({first, other, number, "alice"}) == 4
    assert first != Privacy((("user_id", "hash"),), b"the key of another bot").applied("user_id", "alice")


def test_secrets_and_addresses_may_be_kept(start: Start, collector: CollectorDouble) -> None:
    text = "4111 1111 1111 1111 of alice@example.org"
    assert recorded(start, collector, {"emails": "keep"}, text=text)["text"].endswith("alice@example.org")
    assert recorded(start, collector, {"emails": "keep", "secrets": "keep"}, text=text)["text"] == text


def test_ids_are_never_scrubbed() -> None:
    """Two users with addresses for ids would become one."""
    assert Privacy().applied("user_id", "alice@example.org") == "alice@example.org"


def test_numbers_stay_numbers_unless_they_are_secrets() -> None:
    given = {"count": 3, "ratio": 0.5, "ok": True, "card": 4111111111111111, "phone": 4930123, "none": None}
    found = checked_privacy({"attributes.phone": "hash"}, KEY).attributes(given)
    assert found == given | {"card": "[card number]", "phone": found["phone"]}
    assert isinstance(found["phone"], str)
    rules = {"attributes": "mask", "attributes.latitude": "mask", "details": "mask"}
    place = {"latitude": 52.5, "city": "Rome", "floor": 3}
    assert checked_privacy(rules, None).attributes(place) == {"latitude": "**.*", "city": "****", "floor": 3}
    assert checked_privacy(rules, None).details({"blocked_ms": 1500}) == {"blocked_ms": 1500}


def test_details_are_cleaned_at_any_depth() -> None:
    details = {"stack": ["a.py:3", {"message": "no alice@example.org"}], "db": {"password": "swordfish"}}
    assert Privacy().details(details) == {
        "stack": ["a.py:3", {"message": "no [e-mail]"}],
        "db": {"password": "[secret]"},
    }
    assert checked_privacy({"details": "drop"}, None).details(details) == {}


@pytest.mark.parametrize(
    ("rules", "key", "said"),
    [
        ({"text": "encrypt"}, KEY, "text: expected one of keep, hash, truncate, mask, drop"),
        ({"text": "truncate:many"}, KEY, "text: expected one of"),
        ({"text": "mask:3"}, KEY, "text: expected one of"),
        ({"text": None}, KEY, "text: expected one of"),
        ({"phone": "drop"}, KEY, "no field 'phone'; there are text, user_name"),
        ({"secrets": "drop"}, KEY, "secrets: expected keep or mask"),
        ({"user_id": "hash"}, None, "hash needs a key"),
        ({"user_id": "hash"}, "short", "hash needs a key"),
        ("text", KEY, "expected a mapping"),
    ],
)
def test_wrong_policy_stops_the_start_and_says_why(rules: Any, key: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Agent().start(url="http://127.0.0.1:9", token=TOKEN, privacy=rules, privacy_key=key)
    assert str(caught.value).startswith("privacy (BOTWATCH_PRIVACY): ")
    assert said in str(caught.value)
    assert KEY not in str(caught.value)


def test_policy_is_read_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    environ = {
        "BOTWATCH_PRIVACY": "user_id=hash, text=truncate:80,",
        "BOTWATCH_PRIVACY_KEY_FILE": str(tmp_path / "key"),
    }
    read = read_privacy(None, None, environ)
    assert read == checked_privacy({"user_id": "hash", "text": "truncate:80"}, KEY)
    assert KEY not in repr(read)
    assert read_privacy({"text": "drop"}, None, environ).rules == (("text", "drop"),)
    assert rules_from("") == {}


def test_policy_in_the_environment_that_is_no_policy_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"BOTWATCH_PRIVACY.*expected field=policy.*'text'"):
        read_privacy(None, None, {"BOTWATCH_PRIVACY": "text"})
