"""Storing: each event once, whatever is sent again."""

from typing import Any

import msgspec
import pytest

from botwatch_collector import db, models
from botwatch_collector.ingest.store import Incoming, Outcome, store
from botwatch_collector.ingest.wire import AnyEvent, Batch, Header

ALICE_BOT, BOB_BOT = 1, 2
NOW = 1_790_000_000_000


def message(seq: int | None = None, **fields: Any) -> dict[str, Any]:
    plain = {"kind": "message", "ts": NOW, "direction": "in", "text": "hello", "user_id": "u1"}
    return plain | ({"seq": seq} if seq else {}) | fields


def batch(*events: dict[str, Any], instance: str = "one", bot: int = ALICE_BOT, **header: Any) -> Incoming:
    decoded = msgspec.convert(list(events), list[AnyEvent])
    return Incoming(bot, Batch(Header(v=1, instance=instance, **header), decoded), NOW)


def stored_texts() -> list[str]:
    return [row.text for row in models.Message.select().order_by(models.Message.id)]


def test_batch_sent_again_is_stored_once(database: None) -> None:
    sent = batch(message(1), message(2, text="again"))

    assert store([sent]) == [Outcome(2, 0)]
    assert store([sent]) == [Outcome(0, 2)]
    assert stored_texts() == ["hello", "again"]


def test_longer_batch_after_a_lost_answer_stores_what_is_new(database: None) -> None:
    store([batch(message(1), message(2))])

    assert store([batch(message(2), message(3, text="third"))]) == [Outcome(1, 1)]
    assert stored_texts()[-1] == "third"


def test_same_batch_twice_in_one_group_is_stored_once(database: None) -> None:
    sent = batch(message(1))

    assert store([sent, sent]) == [Outcome(1, 0), Outcome(0, 1)]


def test_instances_and_bots_count_on_their_own(database: None) -> None:
    outcomes = store([batch(message(1)), batch(message(1), instance="two"), batch(message(1), bot=BOB_BOT)])

    assert [outcome.stored for outcome in outcomes] == [1, 1, 1]


def test_own_id_is_stored_once_from_any_instance(database: None) -> None:
    store([batch(message(id="a"))])

    assert store([batch(message(id="a"), message(id="b"), instance="two")]) == [Outcome(1, 1)]


def test_own_id_belongs_to_its_bot(database: None) -> None:
    store([batch(message(id="a"))])

    assert store([batch(message(id="a"), bot=BOB_BOT)]) == [Outcome(1, 0)]


def test_own_id_twice_in_one_batch_is_stored_once(database: None) -> None:
    assert store([batch(message(id="a"), message(id="a", text="other"))]) == [Outcome(1, 1)]
    assert stored_texts() == ["hello"]


@pytest.mark.parametrize(
    ("second", "stored"),
    [
        ({"seq": 2, "id": "b"}, 1),
        ({"seq": 1, "id": "b"}, 0),
        ({"seq": 2, "id": "a"}, 0),
    ],
    ids=["both new", "seq known", "id known"],
)
def test_event_with_both_is_stored_only_if_both_are_new(
    database: None, second: dict[str, Any], stored: int
) -> None:
    store([batch(message(1, id="a"))])

    assert store([batch(message(**second))]) == [Outcome(stored, 1 - stored)]


def test_count_out_of_order_within_a_batch_loses_nothing(database: None) -> None:
    assert store([batch(message(3), message(1), message(2))]) == [Outcome(3, 0)]


def test_ids_follow_the_order_of_storing(database: None) -> None:
    store([batch(message(1, text="a")), batch(message(1, text="b"), instance="two")])
    store([batch(message(2, text="c"))])

    rows = list(models.Message.select(models.Message.id, models.Message.text).order_by(models.Message.id))
    assert [row.text for row in rows] == ["a", "b", "c"]
    assert models.EventSequence.get().reserved_id == rows[-1].id


def test_nothing_of_a_group_is_stored_when_it_fails(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_messages: object, **_how: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("botwatch_collector.ingest.store.rollups.apply", fail)
    with pytest.raises(RuntimeError):
        store([batch(message(1), message(id="a"))])
    monkeypatch.undo()

    assert models.Message.select().count() == 0
    assert store([batch(message(1), message(id="a"))]) == [Outcome(2, 0)]


def test_every_field_of_a_message_comes_back(database: None) -> None:
    fields = {
        "direction": "out",
        "user_name": "Zoë \N{ROCKET}",
        "channel": "#x",
        "text": "a\nb\tπ",
        "response_ms": 0,
        "wait_ms": 7,
        "attributes": {"n": 1, "f": 1.5, "b": True, "none": None, "text": "'; DROP TABLE bot; --"},
    }
    store([batch(message(1, id="own", **fields))])

    row = models.Message.get()
    assert {name: getattr(row, name) for name in fields} == fields
    assert (row.event_id, row.user_id, row.occurred_at, row.received_at) == ("own", "u1", NOW, NOW)


def test_sample_and_heartbeat_are_stored_beside_messages(database: None) -> None:
    sample = {"kind": "sample", "ts": NOW, "seq": 1, "cpu_percent": 12.5, "memory_bytes": 1 << 40}
    beat = {"kind": "heartbeat", "ts": NOW, "seq": 2, "uptime_s": 3.5, "losses": {"spool_full": 4},
            "checks": {"db": {"status": "ok"}}, "version": "1.2"}  # fmt: skip

    assert store([batch(sample, beat, message(3))]) == [Outcome(3, 0)]

    stored_sample, stored_beat = models.Sample.get(), models.Heartbeat.get()
    assert (stored_sample.cpu_percent, stored_sample.memory_bytes) == (12.5, 1 << 40)
    assert (stored_beat.interval_s, stored_beat.stopping) == (15.0, False)
    assert stored_beat.details["checks"]["db"]["status"] == "ok"
    assert stored_beat.details["losses"] == {"spool_full": 4}


def test_every_field_of_an_activity_comes_back(database: None) -> None:
    fields = {
        "action": "ValueError",
        "category": "error",
        "severity": "error",
        "status": "failure",
        "entity_type": "handler",
        "entity_id": "shop.bot:order",
        "user_id": "u1",
        "duration_ms": 0,
        "details": {"place": "bot.py:7", "stack": ["a", "b"], "n": {"deep": [1.5, None, True]}},
    }
    assert store([batch({"kind": "activity", "ts": NOW, "seq": 1, **fields})]) == [Outcome(1, 0)]

    row = models.Activity.get()
    assert {name: getattr(row, name) for name in fields} == fields
    assert (row.occurred_at, row.received_at) == (NOW, NOW)


def test_activity_needs_no_more_than_its_action(database: None) -> None:
    store([batch({"kind": "activity", "ts": NOW, "seq": 1, "action": "deploy"})])

    row = models.Activity.get()
    assert (row.category, row.severity, row.status, row.details) == ("other", "info", "success", None)


def test_answers_of_a_check_are_kept_in_order(database: None) -> None:
    failed = {"status": "fail", "latency_ms": 0.25, "message": "refused"}
    results = [
        {"kind": "check", "ts": NOW, "seq": 1, "name": "database", "status": "ok"},
        {"kind": "check", "ts": NOW, "seq": 2, "name": "database", **failed},
    ]

    assert store([batch(*results), batch(*results)]) == [Outcome(2, 0), Outcome(0, 2)]

    first, second = models.CheckResult.select().order_by(models.CheckResult.id)
    assert (first.name, first.status, first.latency_ms, first.message) == ("database", "ok", None, None)
    assert {name: getattr(second, name) for name in failed} == failed


def test_all_kinds_take_their_ids_from_one_sequence(database: None) -> None:
    activity = {"kind": "activity", "ts": NOW, "seq": 1, "action": "deploy"}
    check = {"kind": "check", "ts": NOW, "seq": 3, "name": "database", "status": "ok"}

    store([batch(activity, message(2), check)])

    assert models.Activity.get().id < models.Message.get().id < models.CheckResult.get().id


def test_instance_remembers_who_spoke_and_how_far_its_clock_is_off(database: None) -> None:
    store([batch(message(5), host="h", pid=7, agent="a/1", sent_at=NOW - 250)])

    row = models.Instance.get()
    assert (row.host, row.pid, row.agent, row.last_seq, row.skew_ms) == ("h", 7, "a/1", 5, -250)


def test_two_connections_writing_at_once_store_each_event_once(database: None) -> None:
    import threading

    outcomes: list[Outcome] = []

    def send() -> None:
        with db.connected():
            outcomes.extend(store([batch(*(message(seq) for seq in range(1, 101)))]))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcome.stored for outcome in outcomes) == [0, 0, 0, 100]
    assert models.Message.select().count() == 100


def test_texts_are_stored_as_they_were_sent(database: None) -> None:
    texts = ["", "NULL", "null", '"', "\\", '\\"', "{a,b}", "%s", "a\nb\t", "🎉 ü \u2028", "'; --", None]
    events = [
        message(seq, text=text, user_id=text, attributes={"said": text}) for seq, text in enumerate(texts, 1)
    ]

    store([batch(*events)])

    rows = models.Message.select().order_by(models.Message.id)
    assert [(row.text, row.user_id, row.attributes) for row in rows] == [
        (text, text, {"said": text}) for text in texts
    ]
    assert {row.user_id for row in models.UserDay.select()} == {text for text in texts if text is not None}
