"""A clock that was ahead and is set back, the collector's or a bot's: everything stays as it should be."""

from typing import Any

import pytest

from botwatch_collector import metrics, models, rollups
from botwatch_collector.access import accounts, bots, logins, throttle, tokens
from botwatch_collector.analytics.bots import bot_states
from botwatch_collector.clock import DAY, HOUR, MINUTE
from botwatch_collector.config import Config, Keep, Limits
from botwatch_collector.errors import TooManyRequests
from botwatch_collector.ingest.store import Incoming, Outcome, store
from botwatch_collector.metrics.own import read
from botwatch_collector.models import Login, Token
from botwatch_collector.retention import prune

from .test_rollups import tables
from .test_store import batch, message

NOW = 1_790_000_000_000
AHEAD = NOW + 400 * DAY
LIMITS = Limits()
PASSWORD = "correct horse battery"


def put(at: int, *events: dict[str, Any], bot: int = 1) -> Outcome:
    """As a batch that comes at that time, by the collector's clock."""
    sent = batch(*events, bot=bot)
    (outcome,) = store([Incoming(bot, sent.batch, at)])
    return outcome


def test_events_are_stored_once_in_their_order_and_stay(database: None) -> None:
    put(AHEAD, message(1, ts=AHEAD), message(2, ts=AHEAD))
    put(NOW, message(3, ts=NOW))

    assert put(NOW, message(2, ts=AHEAD), message(4, ts=NOW)) == Outcome(1, 1)
    rows = models.Message.select().order_by(models.Message.id)
    assert [row.received_at for row in rows] == [AHEAD, AHEAD, NOW, NOW]
    steps = prune(Config("sqlite:///unused", keep=Keep()), NOW + DAY, rest=lambda _: None)
    assert sum(step.rows for step in steps) == 0


def test_messages_of_a_bot_whose_clock_is_set_back_fall_into_their_own_buckets(database: None) -> None:
    put(NOW, message(1, ts=AHEAD), message(2, ts=NOW), message(3, ts=NOW - 2 * HOUR), message(4, ts=AHEAD))

    counted = {row.at: row.messages_in for row in models.MessageHour.select()}
    assert counted == {AHEAD - AHEAD % HOUR: 2, NOW - NOW % HOUR: 1, (NOW - 2 * HOUR) - NOW % HOUR: 1}
    before = tables()
    rollups.rebuild()
    assert tables() == before


def test_bot_is_down_unless_it_is_heard_again(database: None) -> None:
    bot = bots.add("shop", NOW)
    put(AHEAD, {"kind": "heartbeat", "ts": AHEAD, "seq": 1, "interval_s": 15.0}, bot=bot.id)
    assert [one.state for one in bot_states([bot.id], AHEAD)] == ["up"]
    assert [one.state for one in bot_states([bot.id], NOW)] == ["down"]

    put(NOW, {"kind": "heartbeat", "ts": NOW, "seq": 2, "interval_s": 15.0}, bot=bot.id)

    assert [one.state for one in bot_states([bot.id], NOW)] == ["up"]


def test_login_goes_on_and_ends_in_its_time(database: None) -> None:
    accounts.add("alice", PASSWORD, "viewer", NOW)
    secret = logins.log_in("alice", PASSWORD, "192.0.2.1", LIMITS, AHEAD)

    assert logins.find(secret, LIMITS, NOW)

    assert Login.get().expires_at == NOW + LIMITS.login_lifetime_ms
    assert logins.find(secret, LIMITS, NOW + LIMITS.login_lifetime_ms) is None


def test_failed_attempts_under_the_wrong_clock_lock_nobody_out(database: None) -> None:
    for _ in range(LIMITS.login_failures_per_username):
        throttle.count("alice", "192.0.2.1", LIMITS, AHEAD)
    with pytest.raises(TooManyRequests):
        throttle.count("alice", "192.0.2.1", LIMITS, AHEAD)

    throttle.count("alice", "192.0.2.1", LIMITS, NOW)

    assert models.LoginFailure.select().count() == 1


def test_failed_attempts_on_a_host_that_is_a_little_ahead_still_count(database: None) -> None:
    for _ in range(LIMITS.login_failures_per_username):
        throttle.count("alice", "192.0.2.1", LIMITS, NOW + MINUTE)
    with pytest.raises(TooManyRequests):
        throttle.count("alice", "192.0.2.1", LIMITS, NOW)


def test_last_use_of_a_token_is_told_again(database: None) -> None:
    _, secret = tokens.add("read", NOW)
    tokens.find(secret, AHEAD)
    tokens.find(secret, NOW)

    assert Token.get().last_used_at == NOW


def test_workers_of_the_wrong_clock_are_gone_and_those_alive_are_seen(database: None) -> None:
    gone, alive = (metrics.Worker({"botwatch_stream_readers": lambda: 1.0}) for _ in range(2))
    gone.step(AHEAD)
    alive.step(AHEAD)
    alive.step(NOW)

    assert read(NOW)["botwatch_stream_readers"] == [((), 1.0)]
