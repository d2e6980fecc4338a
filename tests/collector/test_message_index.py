"""The index of messages says what the messages say, whatever is done to them."""

import random
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from botwatch_collector import db, message_index, messages, migrations, models, retention
from botwatch_collector.analytics.window import LATEST, Window
from botwatch_collector.clock import DAY
from botwatch_collector.config import Config, Keep
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Message
from botwatch_collector.jobs import Shift
from botwatch_collector.message_index import parts
from botwatch_collector.messages import Filters
from botwatch_collector.messages import terms as index_terms
from botwatch_collector.messages.terms import EVER, Terms

from ..postgres import PostgresServer
from .databases import using
from .streams import add_bots

NOW = 20_000 * DAY
MADE_ANEW = (
    "DROP TABLE IF EXISTS temp.made_anew",
    """CREATE VIRTUAL TABLE temp.made_anew USING fts5 (
        text, marks, content = '', tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
    )""",
    "INSERT INTO temp.made_anew (rowid, text, marks) SELECT id, text, marks FROM message_indexed ORDER BY id",
)
WORDS = ("hello", "Köln", "zanzibar", "42")


@pytest.fixture
def bots(database: None) -> list[int]:
    return add_bots("one", "two")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FULL", 100)


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
    with message_index.sources() as sources:
        if "message_tail" not in [source.table for source in sources]:
            return 0
        asked = "SELECT count(*) FROM message_tail WHERE message_tail MATCH ?"
        return int(db.database.execute_sql(asked, ("b1in OR b2in",)).fetchone()[0])


def elsewhere(work: Callable[[], object]) -> None:
    """On another connection, to its end."""

    def run() -> None:
        with db.connected():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def require_right_index() -> None:
    """Each part says of its messages, word by word, what a table says that is made anew of all of them, and
    nothing of others. PostgreSQL needs no such proof.
    """
    message_index.take_tail()
    if db.is_postgresql():
        return
    for statement in MADE_ANEW:
        db.database.execute_sql(statement)
    expected = instances("temp", "made_anew")
    for part, after in zip_longest(parts.parts(), parts.parts()[1:]):
        own = range(part.first_id, after.first_id if after else 1_000_000)
        assert instances("main", part.table) == [one for one in expected if one[0] in own]
        moments = [row.occurred_at for row in models.Message.select() if row.id in own]
        assert not moments or (part.first_at <= min(moments) and max(moments) <= part.last_at)


def instances(schema: str, table: str) -> list[tuple[int, str, str, int]]:
    """The message, column and place of each word that a table of FTS5 holds."""
    db.database.execute_sql("DROP TABLE IF EXISTS temp.words")
    made = f"CREATE VIRTUAL TABLE temp.words USING fts5vocab('{schema}', '{table}', 'instance')"
    db.database.execute_sql(made)
    return sorted(db.database.execute_sql("SELECT doc, term, col, offset FROM temp.words").fetchall())


def tables() -> list[str]:
    """Of the parts of SQLite's index."""
    names = [name for name in db.database.get_tables() if name.startswith("message_index")]
    return [name for name in names if f"{name}_data" in names]


def segments(table: str) -> int:
    """In how many pieces FTS5 has this part, of which a search has to look through each."""
    found = db.database.execute_sql(f"SELECT count(DISTINCT segid) FROM {table}_idx").fetchone()
    return int(found[0])


@pytest.mark.parametrize("full", [100, 1_000])
def test_index_is_right_whatever_is_done(bots: list[int], full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FULL", full)
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
    message_index.settle_for_a_while()
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

    with message_index.sources() as sources:
        elsewhere(message_index.take_tail)
        terms = Terms(bots, None, None, None, messages.parsed("hello"), sources)
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


def test_parts_that_are_full_are_settled_and_searched_as_one(bots: list[int], small_parts: None) -> None:
    for number in range(7):
        put(bots[0], [f"hello {number} {word}" for word in range(40)], NOW - number * DAY)
        message_index.take_tail()

    while message_index.settle_for_a_while():
        pass

    newest = [f"hello {number} {word}" for number in range(7) for word in range(40)]
    assert sorted(text or "" for text in found(bots, "hello")) == sorted(newest)
    assert sorted(text or "" for text in found(bots, "hello 7")) == sorted(
        text for text in newest if "7" in text.split()
    )
    if not db.is_postgresql():
        assert [part.messages for part in parts.parts()] == [120, 120, 40]
        assert [segments(part.table) for part in parts.parts()[:2]] == [1, 1]
        assert [bool(part.is_settled) for part in parts.parts()] == [True, True, False]
    require_right_index()


def test_more_parts_than_one_statement_can_ask(
    bots: list[int], small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_terms, "_MOST_SELECTS", 2)
    for number in range(5):
        put(bots[0], [f"hello {number}"] * 100)
        message_index.take_tail()

    assert len(found(bots, "hello")) == 500
    assert found(bots, '"hello 2"') == ["hello 2"] * 100
    assert found(bots, "nowhere") == []


def test_part_without_messages_goes(bots: list[int], small_parts: None) -> None:
    if db.is_postgresql():
        return
    for day in (200, 150, 2):
        put(bots[0], ["hello"] * 100, NOW - day * DAY)
        message_index.take_tail()
    before = tables()
    list(retention.prune(Config(database="", keep=Keep(messages=90)), NOW, rest=lambda _: None))

    for _ in range(6):  # as if it was killed after each step
        db.forget_idle_connections()
        elsewhere(lambda: next(message_index.settle(rest=lambda _: None), None))
        assert len(found(bots, "hello")) == 100

    assert len(before) == 3 and tables() == before[-1:] == [parts.newest().table]
    assert len(found(bots, "hello")) == 100
    put(bots[0], ["hello again"])
    assert found(bots, "again") == ["hello again"]
    require_right_index()


def test_index_of_before_there_were_parts_is_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FULL", 100)
    opened = db.connect(f"sqlite:///{tmp_path}/older.db")
    with db.connected():
        (made,) = [one.version for one in migrations.available() if one.name == "index_in_parts"]
        migrations.bring_up_to_date(upto=made - 1)
        (bot,) = add_bots("one")
        columns = ("id", "bot_id", "instance_id", "occurred_at", "received_at", "direction", "text")
        rows = [(number, bot, 1, NOW, NOW, "in", f"older {number}") for number in range(1, 301)]
        db.insert_rows(models.Message, columns, rows)
        models.EventSequence.update(reserved_id=300).execute()
        db.database.execute_sql("UPDATE message_index_state SET upto = 250")

        migrations.bring_up_to_date()

        assert len(found([bot], "older")) == 300
        require_right_index()
        put(bot, ["newer"])
        require_right_index()
        while message_index.settle_for_a_while():
            pass
        assert len(found([bot], "older")) == 300
        assert found([bot], "newer") == ["newer"] and found([bot], "251") == ["older 251"]
        assert [part.first_id for part in parts.parts()] == [0, 251]
    opened.close_all()


@pytest.mark.parametrize("full", [100, 1_000])
def test_forgotten_words_are_in_no_part_of_the_index(
    bots: list[int], full: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FULL", full)
    put(bots[0], ["zanzibar"] * 120, user="mallory-4711")
    message_index.take_tail()
    message_index.settle_for_a_while()
    put(bots[0], ["hello zanzibar"] * 180, user="mallory-4711")
    put(bots[0], ["quartz"] * 300)

    retention.forget("mallory-4711", bots)

    assert found(bots, "zanzibar") == []
    content = index_content()
    assert b"quartz" in content
    assert b"zanzibar" not in content
    assert b"4711" not in content and b"4711".hex().encode() not in content


def index_content() -> bytes:
    """What the index holds on disk."""
    if not db.is_postgresql():
        blocks = " UNION ALL ".join(f"SELECT block FROM {table}_data" for table in tables())
        return b"".join(block for (block,) in db.database.execute_sql(blocks).fetchall())
    db.database.cursor().execute("CHECKPOINT")
    files = db.database.execute_sql(
        "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind = 'i' AND relam = "
        "(SELECT oid FROM pg_am WHERE amname = 'gin') AND starts_with(relname, 'message')"
    ).fetchall()
    read = "SELECT pg_read_binary_file(%s)"
    return b"".join(bytes(db.database.execute_sql(read, (name,)).fetchone()[0]) for (name,) in files)


def test_what_postgresql_set_aside_is_put_into_its_index(postgres: PostgresServer) -> None:
    def set_aside() -> int:
        """Pages of it, which are put into the index by asking."""
        pages = "SELECT sum(gin_clean_pending_list(inhrelid::regclass)) FROM pg_inherits"
        found = db.database.execute_sql(f"{pages} WHERE inhparent = 'message_terms'::regclass").fetchone()
        return int(found[0])

    with using(postgres.create("set_aside", template="template")):
        (bot,) = add_bots("one")
        put(bot, ["hello"] * 10)
        assert set_aside() > 0
        put(bot, ["hello"] * 10)
        message_index.take_pending()
        assert set_aside() == 0
