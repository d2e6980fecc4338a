"""The index of messages says what the messages say, whatever is done to them."""

import random
from collections.abc import Sequence

import pytest

from botwatch_collector import db, message_index, messages, models, retention
from botwatch_collector.analytics.window import LATEST, Window
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config, Keep
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Message
from botwatch_collector.jobs import Shift
from botwatch_collector.messages import Filters
from botwatch_collector.messages.terms import EVER, Terms

from .streams import add_bots

NOW = 20_000 * DAY
WORDS = ("hello", "Köln", "zanzibar", "42")


@pytest.fixture
def bots(database: None) -> list[int]:
    return add_bots("one", "two")


def put(bot: int, texts: Sequence[str | None], received_at: int = NOW, user: str = "ann") -> None:
    last = models.Instance.get_or_none(models.Instance.bot_id == bot)
    begin = (last.last_seq if last else 0) + 1
    events = [
        Message(ts=received_at - seq, seq=seq, direction="in", text=text, user_id=user)
        for seq, text in enumerate(texts, begin)
    ]
    store([Incoming(bot, Batch(Header(v=1, instance="one"), events), received_at)])


def found(bots: Sequence[int], text: str) -> list[str | None]:
    rows = messages.page(bots, Window(0, LATEST), Filters(query=messages.parsed(text)), 1_000).messages
    return [row.message_text for row in rows]


def waiting() -> int:
    """How many messages the index has not taken in."""
    with message_index.tail() as has_tail:
        if not has_tail:
            return 0
        asked = "SELECT count(*) FROM message_tail WHERE message_tail MATCH ?"
        return int(db.database.execute_sql(asked, ("b1in OR b2in",)).fetchone()[0])


def require_right_index() -> None:
    """FTS5 itself compares every word of its table with the messages; PostgreSQL needs no such proof."""
    message_index.take_tail()
    if not db.is_postgresql():
        with db.writing():
            db.database.execute_sql(
                "INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 1)"
            )


def test_index_is_right_whatever_is_done(bots: list[int]) -> None:
    rng = random.Random(1)
    for day in (200, 100, 50, 2):
        for bot in bots:
            user = rng.choice(("ann", "bob"))
            texts = [rng.choice((None, " ".join(rng.choices(WORDS, k=3)))) for _ in range(60)]
            put(bot, texts, NOW - day * DAY, user)
    require_right_index()

    list(retention.prune(Config(database="", keep=Keep(messages=90)), NOW, rest=lambda _: None))
    require_right_index()
    retention.forget("bob", bots[:1])
    require_right_index()
    put(bots[0], ["hello again"])
    require_right_index()

    texts = [row.text for row in models.Message.select() if row.text and "zanzibar" in row.text]
    assert sorted(text or "" for text in found(bots, "zanzibar")) == sorted(texts)
    assert found(bots, "again") == ["hello again"]


def test_what_somebody_stored_who_knew_no_index_is_found_later(bots: list[int]) -> None:
    put(bots[0], ["first"])
    models.EventSequence.update(reserved_id=3).execute()
    columns = ("id", "bot_id", "instance_id", "occurred_at", "received_at", "direction", "text")
    rows = [(number, bots[0], 1, NOW, NOW, "in", f"older version {number}") for number in (2, 3)]
    db.insert_rows(models.Message, columns, rows)

    put(bots[0], ["last"])

    assert found(bots, "older") == ["older version 3", "older version 2"]
    assert found(bots, "last") == ["last"]
    require_right_index()


def test_words_are_found_before_and_after_the_index_has_taken_them_in(bots: list[int]) -> None:
    put(bots[0], ["hello first"])
    Shift(Config(database=""), ()).step(NOW)
    put(bots[0], ["hello second", "Köln"])
    put(bots[1], ["hello third"])

    for _ in range(2):  # a connection is used again, and its tail filled anew
        assert waiting() == (0 if db.is_postgresql() else 3)
        assert found(bots[:1], "hello") == ["hello first", "hello second"]
        assert found(bots, "koln") == ["Köln"]
        assert found(bots, "hello -first -third") == ["hello second"]

    Shift(Config(database=""), ()).step(NOW)
    assert waiting() == 0
    assert found(bots[:1], "hello") == ["hello first", "hello second"]
    assert found(bots, "koln") == ["Köln"]
    require_right_index()


def test_what_is_taken_in_while_somebody_searches_is_found_once(bots: list[int]) -> None:
    put(bots[0], ["hello", "hello"])

    with message_index.tail() as has_tail:
        message_index.take_tail()
        terms = Terms(bots, None, None, None, messages.parsed("hello"), has_tail)
        ids = [row.id for row in models.Message.select().where(terms.match(EVER))]

    assert sorted(ids) == [1, 2]
    assert waiting() == 0


def test_storing_takes_them_in_when_many_wait(bots: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_index, "TAIL", 5)
    put(bots[0], ["hello"] * 4)
    behind = waiting()

    put(bots[0], ["again"])

    assert behind == (0 if db.is_postgresql() else 4)
    assert waiting() == 0
    assert len(found(bots, "hello")) == 4 and found(bots, "again") == ["again"]


def test_catching_up_takes_many_in_several_steps(bots: list[int]) -> None:
    columns = ("id", "bot_id", "instance_id", "occurred_at", "received_at", "direction", "text")
    rows = [(number, bots[0], 1, NOW, NOW, "in", f"number {number}") for number in range(1, 4_500)]
    db.insert_rows(models.Message, columns, rows)

    message_index.catch_up()

    assert found(bots, "4499") == ["number 4499"] and found(bots, "1") == ["number 1"]
    require_right_index()


def test_forgotten_words_are_in_no_part_of_the_index(bots: list[int]) -> None:
    put(bots[0], ["zanzibar"] * 300, user="mallory-4711")
    put(bots[0], ["hello"] * 300)

    retention.forget("mallory-4711", bots)

    assert found(bots, "zanzibar") == []
    content = index_content()
    assert b"hello" in content
    assert b"zanzibar" not in content
    assert b"4711" not in content and b"4711".hex().encode() not in content


def index_content() -> bytes:
    """What the index holds on disk."""
    if not db.is_postgresql():
        rows = db.database.execute_sql("SELECT block FROM message_index_data").fetchall()
        return b"".join(block for (block,) in rows)
    db.database.cursor().execute("CHECKPOINT")
    files = db.database.execute_sql(
        "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind = 'i' AND relam = "
        "(SELECT oid FROM pg_am WHERE amname = 'gin') AND starts_with(relname, 'message')"
    ).fetchall()
    read = "SELECT pg_read_binary_file(%s)"
    return b"".join(bytes(db.database.execute_sql(read, (name,)).fetchone()[0]) for (name,) in files)
