"""Accounts and logins: Alice owns, Bob may look, Mallory is refused."""

import threading

import argon2
import pytest

from botwatch_collector import db
from botwatch_collector.access import accounts, logins, passwords, throttle
from botwatch_collector.clock import HOUR
from botwatch_collector.config import Limits
from botwatch_collector.errors import Conflict, InvalidParameter, NotFound, TooManyRequests, Unauthorized
from botwatch_collector.models import Account, Login, LoginFailure

NOW = 1_764_000_000_000
LIMITS = Limits(login_failures_per_username=3, login_failures_per_address=5, login_window_ms=60_000)
PASSWORD = "correct horse battery"


@pytest.fixture
def alice(database: None) -> Account:
    return accounts.add("Alice", PASSWORD, "admin", NOW)


def fail(username: str = "alice", address: str = "192.0.2.1", now: int = NOW) -> None:
    with pytest.raises(Unauthorized):
        logins.log_in(username, "wrong password", address, LIMITS, now)


def refused_for(username: str = "alice", address: str = "192.0.2.1", now: int = NOW) -> int | None:
    with pytest.raises(TooManyRequests) as refused:
        logins.log_in(username, PASSWORD, address, LIMITS, now)
    return refused.value.retry_after_s


def test_password_is_kept_as_argon2id(alice: Account) -> None:
    assert alice.password_hash.startswith("$argon2id$")
    assert accounts.verified("alice", PASSWORD) == alice
    assert accounts.verified("alice", PASSWORD + " ") is None


def test_name_is_the_same_in_any_case(alice: Account) -> None:
    assert alice.username == "alice"
    assert accounts.verified(" ALICE", PASSWORD) == alice
    with pytest.raises(Conflict):
        accounts.add("aLICE", PASSWORD, "viewer", NOW)


@pytest.mark.parametrize("name", ["", " ", "a b", "-alice", "al\0ice", "a" * 65, "älice", "<script>"])
def test_unusable_name_is_refused(database: None, name: str) -> None:
    with pytest.raises(InvalidParameter, match="username"):
        accounts.add(name, PASSWORD, "viewer", NOW)
    assert accounts.verified(name, PASSWORD) is None


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1025])
def test_password_of_bad_length_is_refused(alice: Account, password: str) -> None:
    with pytest.raises(InvalidParameter, match="10 to 1024"):
        accounts.add("bob", password, "viewer", NOW)
    with pytest.raises(InvalidParameter):
        accounts.change_password(alice, password)
    assert accounts.verified("alice", password) is None


def test_password_is_the_same_from_any_keyboard(database: None) -> None:
    accounts.add("bob", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} is here", "viewer", NOW)
    assert accounts.verified("bob", "Zoe\N{COMBINING DIAERESIS} is here")


def test_unknown_name_costs_as_much_as_a_wrong_password(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    class Counting(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            checked.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())

    for name in ("alice", "mallory", "no such name!"):
        assert accounts.verified(name, "wrong password") is None

    assert len(checked) == 3
    # The same parameters, so the same work.
    assert len({stored.rsplit("$", 2)[0] for stored in checked}) == 1


def test_outdated_hash_is_renewed_at_the_next_login(alice: Account) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    Account.update(password_hash=weak).where(Account.id == alice.id).execute()

    assert accounts.verified("alice", PASSWORD)

    renewed = accounts.named("alice").password_hash
    assert renewed != weak and not passwords.is_outdated(renewed)
    assert accounts.verified("alice", PASSWORD)


def test_roles_include_those_below(alice: Account) -> None:
    bob = accounts.add("bob", PASSWORD, "viewer", NOW)
    assert [accounts.may(alice, role) for role in accounts.ROLES] == [True, True, True]
    assert [accounts.may(bob, role) for role in accounts.ROLES] == [True, False, False]
    with pytest.raises(InvalidParameter, match="role"):
        accounts.add("mallory", PASSWORD, "owner", NOW)


def test_last_admin_can_be_neither_disabled_nor_demoted(alice: Account) -> None:
    for change in (lambda: accounts.disable(alice, NOW), lambda: accounts.change_role(alice, "viewer")):
        with pytest.raises(Conflict):
            change()
    bob = accounts.add("bob", PASSWORD, "admin", NOW)
    accounts.change_role(alice, "viewer")
    with pytest.raises(Conflict):
        accounts.change_role(bob, "operator")
    assert [one.role for one in accounts.listed()] == ["viewer", "admin"]


def test_two_admins_who_demote_each_other_leave_one(alice: Account) -> None:
    bob = accounts.add("bob", PASSWORD, "admin", NOW)
    outcomes = []

    def demote(account: Account) -> None:
        with db.connected():
            try:
                accounts.change_role(account, "viewer")
                outcomes.append("done")
            except Conflict:
                outcomes.append("refused")

    threads = [threading.Thread(target=demote, args=(one,)) for one in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "refused"]


def test_disabled_account_is_out_until_enabled(alice: Account) -> None:
    accounts.add("root", PASSWORD, "admin", NOW)
    secret = logins.start(alice, LIMITS, NOW)

    accounts.disable(alice, NOW)
    assert accounts.verified("alice", PASSWORD) is None
    assert logins.find(secret, LIMITS, NOW) is None

    accounts.enable(alice)
    assert accounts.verified("alice", PASSWORD) == alice
    assert logins.find(secret, LIMITS, NOW) is None


def test_changed_password_ends_all_logins_of_the_account(alice: Account) -> None:
    bob = accounts.add("bob", PASSWORD, "viewer", NOW)
    alices = [logins.start(alice, LIMITS, NOW) for _ in range(2)]
    bobs = logins.start(bob, LIMITS, NOW)

    accounts.change_password(alice, "another password")

    assert [logins.find(secret, LIMITS, NOW) for secret in alices] == [None, None]
    assert logins.find(bobs, LIMITS, NOW) == bob
    assert accounts.verified("alice", PASSWORD) is None
    assert accounts.verified("alice", "another password") == alice


def test_unknown_account_is_named(database: None) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        accounts.named("nobody")


def test_login_is_kept_as_a_hash_and_ends(alice: Account) -> None:
    secret = logins.log_in("alice", PASSWORD, "192.0.2.1", LIMITS, NOW)

    assert logins.find(secret, LIMITS, NOW) == alice
    assert secret not in Login.get().hash

    logins.end(secret)
    logins.end(secret)
    assert logins.find(secret, LIMITS, NOW) is None


def test_login_lasts_as_long_as_it_is_used(alice: Account) -> None:
    secret = logins.start(alice, LIMITS, NOW)
    lifetime = LIMITS.login_lifetime_ms
    used_at = NOW
    for _ in range(3):
        used_at += lifetime - HOUR
        assert logins.find(secret, LIMITS, used_at) == alice

    assert logins.find(secret, LIMITS, used_at + lifetime) is None


def test_ended_logins_are_deleted(alice: Account) -> None:
    logins.start(alice, LIMITS, NOW)
    logins.start(alice, LIMITS, NOW + LIMITS.login_lifetime_ms)
    assert Login.select().count() == 1


def test_guesser_of_one_name_has_to_wait(alice: Account) -> None:
    for second in range(3):
        fail(address=f"192.0.2.{second}", now=NOW + second * 1_000)

    assert refused_for(address="198.51.100.7", now=NOW + 10_000) == 50
    # Refused attempts don't prolong it.
    assert logins.log_in("alice", PASSWORD, "198.51.100.7", LIMITS, NOW + 60_000)


def test_guesser_of_many_names_has_to_wait(alice: Account) -> None:
    for number in range(5):
        fail(username=f"user{number}")

    assert refused_for() == 60
    assert logins.log_in("alice", PASSWORD, "198.51.100.7", LIMITS, NOW)


def test_unknown_name_is_throttled_as_a_known_one(alice: Account) -> None:
    for number in range(3):
        fail(username="mallory", address=f"192.0.2.{number}")
    refused_for(username="mallory", address="198.51.100.7")


def test_addresses_of_one_ipv6_network_count_together(database: None) -> None:
    for number in range(5):
        fail(username=f"user{number}", address=f"2001:db8::{number}")

    refused_for(address="2001:db8::ffff:0:1")
    fail(address="2001:db8:0:1::1")


def test_right_password_voids_the_failures_of_its_name_alone(alice: Account) -> None:
    fail("mallory")
    fail()
    fail()

    logins.log_in("alice", PASSWORD, "192.0.2.1", LIMITS, NOW)

    assert [failure.username for failure in LoginFailure.select()] == ["mallory"]


def test_old_failures_are_deleted_as_it_goes(database: None) -> None:
    for number in range(4):
        fail(username=f"user{number}")
    fail(now=NOW + LIMITS.login_window_ms)
    assert LoginFailure.select().count() == 1


def test_hostile_names_and_addresses_are_counted_too(database: None) -> None:
    for username, address in (("\0", "\0"), ("x" * 10_000, "nowhere"), ("' OR 1=1", "::ffff:192.0.2.1")):
        fail(username, address)
    assert max(len(failure.username) for failure in LoginFailure.select()) == 64


def test_never_more_than_the_limit_at_the_same_moment(database: None) -> None:
    attempts, passed = 12, []
    barrier = threading.Barrier(attempts)

    def attempt() -> None:
        with db.connected():
            barrier.wait()
            try:
                throttle.count("alice", "192.0.2.1", LIMITS, NOW)
            except TooManyRequests:
                return
            passed.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) <= LIMITS.login_failures_per_username
    assert LoginFailure.select().count() == len(passed)
