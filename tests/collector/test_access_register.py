"""Bots, who may read them, how much they may send, and the shared key."""

import threading

import pytest

from botwatch_collector import db
from botwatch_collector.access import Reader, accounts, bots, rate, secret_key, tokens
from botwatch_collector.errors import Conflict, InvalidParameter, NotFound, TooManyRequests, Unauthorized
from botwatch_collector.models import Bot, Setting

NOW = 1_764_000_000_000


@pytest.fixture
def alpha(database: None) -> Bot:
    return bots.add("alpha", NOW)


@pytest.fixture
def beta(alpha: Bot) -> Bot:
    return bots.add("beta", NOW)


@pytest.mark.parametrize("name", ["a", "shop-helper", "Bot_2.test", "7", "x" * 64])
def test_usable_name_is_taken(database: None, name: str) -> None:
    assert bots.named(bots.add(name, NOW).name).name == name


@pytest.mark.parametrize(
    "name", ["", " a", "a b", "-a", ".", "a/b", "x" * 65, "é", "a\n", "a\0", "<b>", "=1+1"]
)
def test_unusable_name_is_refused(database: None, name: str) -> None:
    with pytest.raises(InvalidParameter, match="letters, digits"):
        bots.add(name, NOW)


def test_name_is_given_once(alpha: Bot) -> None:
    with pytest.raises(Conflict, match="'alpha' already"):
        bots.add("alpha", NOW)
    assert [bot.name for bot in bots.listed()] == ["alpha"]
    with pytest.raises(NotFound, match="'gamma'"):
        bots.named("gamma")


def test_account_and_general_token_read_all_bots(alpha: Bot, beta: Bot) -> None:
    alice = accounts.add("alice", "correct horse", "viewer", NOW)
    general, _ = tokens.add("read", NOW)
    for reader in (Reader(account=alice), Reader(token=general)):
        assert reader.bot_ids() == [alpha.id, beta.id]
        assert reader.bot_ids(["beta"]) == [beta.id]
        assert reader.bot_ids(["beta", "alpha", "beta"]) == [alpha.id, beta.id]
        with pytest.raises(NotFound, match="no bot 'gamma'"):
            reader.bot_ids(["alpha", "gamma"])


def test_token_for_one_bot_learns_nothing_of_others(alpha: Bot, beta: Bot) -> None:
    token, _ = tokens.add("read", NOW, bot=alpha)
    reader = Reader(token=token)

    assert reader.bot_ids() == reader.bot_ids(["alpha"]) == [alpha.id]
    with pytest.raises(NotFound) as forbidden:
        reader.bot_ids(["beta"])
    with pytest.raises(NotFound) as unknown:
        reader.bot_ids(["gamma"])
    assert forbidden.value.message.replace("beta", "gamma") == unknown.value.message


def test_retired_bot_is_in_no_list_and_its_tokens_are_refused(alpha: Bot, beta: Bot) -> None:
    _, secret = tokens.add("ingest", 0, bot=alpha)
    _, general = tokens.add("read", 0)
    reader = Reader(token=tokens.find(general, 1))

    bots.retire(alpha, 5)
    bots.retire(alpha, 9)

    assert [bot.name for bot in reader.bots()] == ["beta"]
    with pytest.raises(NotFound):
        reader.bot_ids(["alpha"])
    with pytest.raises(Unauthorized, match="revoked"):
        tokens.find(secret, 6)
    with pytest.raises(InvalidParameter, match="retired"):
        tokens.add("ingest", 6, bot=bots.named("alpha"))
    assert bots.named("alpha").retired_at == 5
    assert [bot.name for bot in bots.listed()] == ["alpha", "beta"], "what it sent is still there"


def test_bot_that_is_brought_back_needs_a_new_token(alpha: Bot) -> None:
    _, secret = tokens.add("ingest", 0, bot=alpha)
    bots.retire(alpha, 5)

    bots.bring_back(alpha)

    _, other = tokens.add("ingest", 6, bot=bots.named("alpha"))
    assert tokens.find(other, 7).bot == alpha
    with pytest.raises(Unauthorized):
        tokens.find(secret, 7)


def test_nobody_reads_nothing(alpha: Bot) -> None:
    assert Reader().bot_ids() == []


def test_all_who_ask_for_the_key_get_the_same_one(database: None) -> None:
    keys: list[str] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        with db.connected():
            barrier.wait()
            keys.append(secret_key())

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 6 and len(set(keys)) == 1
    assert len(keys[0]) == 64
    assert secret_key() == keys[0]
    assert Setting.select().count() == 1


def test_rate_is_kept_over_time_whatever_the_batches() -> None:
    limit, sent = rate.RateLimit(100), 0
    for now in range(NOW, NOW + 60_000, 50):
        try:
            limit.spend(1, 7, now)
            sent += 7
        except TooManyRequests:
            continue
    assert 100 * 60 <= sent <= 100 * 61 + 7


def test_large_batch_is_taken_and_has_to_be_waited_for() -> None:
    limit = rate.RateLimit(100)
    limit.spend(1, 5_000, NOW)

    with pytest.raises(TooManyRequests, match="the limit is 100 a second") as refused:
        limit.spend(1, 1, NOW + 1_000)

    assert refused.value.retry_after_s == 48
    limit.spend(1, 1, NOW + 49_000)


def test_tokens_do_not_share_their_rate() -> None:
    limit = rate.RateLimit(1)
    limit.spend(1, 100, NOW)
    limit.spend(2, 100, NOW)


def test_no_limit_is_the_default() -> None:
    for _ in range(10):
        rate.spend(1, 1_000_000, NOW)


def test_clock_that_is_set_back_costs_nothing() -> None:
    limit = rate.RateLimit(10)
    limit.spend(1, 10, NOW)
    limit.spend(1, 10, NOW - 3_600_000)
    with pytest.raises(TooManyRequests) as refused:
        limit.spend(1, 1, NOW - 3_600_000)
    assert refused.value.retry_after_s == 1
