"""The function behind PostgreSQL's index of messages: the index stays when the function is replaced."""

import uuid
from collections.abc import Iterator

import pytest

from botwatch_collector import db, migrations

from ..postgres import PostgresServer

TEXTS = (
    None,
    "",
    "Hello, can you help? -42 +1.5 1e5 v2.0",
    "see https://example.org/a_b?c=d&e=<f> or mail me@example.org ~now",
    "K\u00f6ln cafe\u0301 \u0130stanbul \u4f60\u597d \u0434\u043e\u0431\u0440\u044b\u0439 \U0001f600",
    "it's @b1in 'quoted' \\back\\slash a\tb\nc",
    "word " * 400,
)
CALL = "message_terms(bot_id, direction, user_id, channel, occurred_at, text)"


@pytest.fixture(scope="module", autouse=True)
def database(postgres: PostgresServer) -> Iterator[None]:
    """Without tables."""
    name = f"terms_{uuid.uuid4().hex}"
    opened = db.connect(postgres.create(name))
    with db.connected():
        yield
    opened.close_all()
    postgres.drop(name)


def made_terms() -> list[tuple[int, str]]:
    return list(db.database.execute_sql(f"SELECT id, {CALL}::text FROM message ORDER BY id").fetchall())


def plan(query: str) -> str:
    rows = db.database.execute_sql(f"EXPLAIN (VERBOSE, COSTS off) {query}").fetchall()
    return "\n".join(line for (line,) in rows)


def test_terms_are_those_of_the_first_function() -> None:
    migrations.bring_up_to_date(upto=6)
    for number, text in enumerate(TEXTS):
        user, channel = (None, "o'brien \\ \u00fc") if number % 2 else ("user-1", None)
        db.database.execute_sql(
            "INSERT INTO message (id, occurred_at, user_id, channel, text, bot_id, instance_id, received_at, "
            "direction) VALUES (%s, %s, %s, %s, %s, 1, 1, 7, 'in')",
            (number, 1_764_300_000_000 * (number % 3 - 1), user, channel, text),
        )
    before = made_terms()

    migrations.bring_up_to_date()

    assert len(before) == len(TEXTS)
    assert made_terms() == before


def test_terms_are_made_without_a_query_for_each_message() -> None:
    migrations.bring_up_to_date()

    assert "message_terms(" not in plan(f"SELECT {CALL} FROM message")


def test_index_answers_what_the_function_is_asked() -> None:
    migrations.bring_up_to_date()
    db.database.execute_sql("SET enable_seqscan = off")

    found = plan(f"SELECT id FROM message WHERE {CALL} @@ to_tsquery('simple', 'hello')")

    assert "Seq Scan" not in found and "message_terms_idx" in found
