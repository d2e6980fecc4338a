"""Migrations of several steps: they go on where they were killed, and say how far they are."""

import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable

import pytest

from botwatch_collector import db, migrations
from botwatch_collector.errors import SchemaError, Unavailable
from botwatch_collector.migrations import Migration, Progress

SQL = """
CREATE TABLE doubled (id INTEGER, value INTEGER);

-- step: repeat
INSERT INTO doubled SELECT value, 2 * value FROM source
    WHERE value > (SELECT coalesce(max(id), 0) FROM doubled) AND value <= (
        SELECT coalesce(max(id), 0) FROM doubled) + 10;

-- step
DROP TABLE source;
"""
NUMBERS = 35

# Says each step, and waits for a line before it goes on.
SCRIPT = """
import sys
from botwatch_collector import db, migrations

def report(progress):
    print(progress.steps_done, progress.rows, flush=True)
    sys.stdin.readline()

added = migrations.Migration(9000, "doubled", sys.argv[2])
migrations.available = lambda: [added]
migrations._refuse_unknown = lambda known, applied: None
db.connect(sys.argv[1])
with db.connected():
    migrations.bring_up_to_date(report)
"""

Use = Callable[..., Migration]


@pytest.fixture
def use(database: None, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Make a migration the only one that is available."""
    db.database.execute_sql("CREATE TABLE source (value INTEGER)")
    for number in range(1, NUMBERS + 1):
        db.database.execute_sql(f"INSERT INTO source VALUES ({number})")

    def put(sql: str = SQL) -> Migration:
        added = Migration(9000, "doubled", sql)
        monkeypatch.setattr(migrations, "available", lambda: [added])
        monkeypatch.setattr(migrations, "_refuse_unknown", lambda known, applied: None)
        return added

    return put


def doubled() -> list[tuple[int, int]]:
    return [tuple(row) for row in db.database.execute_sql("SELECT * FROM doubled ORDER BY id").fetchall()]


def test_progress_is_reported_step_by_step(use: Use) -> None:
    added, told = use(), list[Progress]()

    assert migrations.bring_up_to_date(told.append) == [added]

    assert [(one.steps_done, one.rows) for one in told] == [
        (1, 0), (1, 10), (1, 20), (1, 30), (1, 35), (2, 0), (3, 0),
    ]  # fmt: skip
    assert doubled() == [(number, 2 * number) for number in range(1, NUMBERS + 1)]
    assert "source" not in db.database.get_tables()


def test_killed_migration_goes_on_where_it_was(use: Use, database_url: str) -> None:
    use()
    command = [sys.executable, "-c", SCRIPT, database_url, SQL]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        for expected in ("1 0", "1 10", "1 20"):
            assert process.stdout.readline().strip() == expected
            if expected != "1 20":
                process.stdin.write("\n")
                process.stdin.flush()
        process.kill()
    assert len(doubled()) == 20

    told: list[Progress] = []
    migrations.bring_up_to_date(told.append)

    assert [one.steps_done for one in told] == [1, 1, 2, 3]
    assert doubled() == [(number, 2 * number) for number in range(1, NUMBERS + 1)]
    assert migrations.pending() == []


def test_failed_step_leaves_those_before_it(use: Use) -> None:
    use(SQL + "-- step\nSELECT * FROM nowhere;\n")
    with pytest.raises(Exception, match="nowhere"):
        migrations.bring_up_to_date()

    assert len(doubled()) == NUMBERS
    assert len(migrations.pending()) == 1


def test_file_that_changed_on_the_way_is_refused(use: Use) -> None:
    use(SQL + "-- step\nSELECT * FROM nowhere;\n")
    with pytest.raises(Exception, match="nowhere"):
        migrations.bring_up_to_date()

    use(SQL)
    with pytest.raises(SchemaError, match="9000 was changed"):
        migrations.bring_up_to_date()


def test_full_disk_refuses_before_anything_changes(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use("-- disk: 300 %\nCREATE TABLE big (id INTEGER);\n")
    free = 3 * db.size_bytes() + 1_000
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free, 0, free))

    if db.is_postgresql():
        # The disk is the server's: nothing to ask for.
        assert len(migrations.bring_up_to_date()) == 1
    else:
        with pytest.raises(Unavailable, match="on the database's disk"):
            migrations.bring_up_to_date()
        assert "big" not in db.database.get_tables()


def test_comments_make_no_step() -> None:
    assert [step.repeats for step in Migration(1, "x", SQL).steps] == [False, True, False]
    assert len(Migration(1, "x", "-- Why.\n-- step\nSELECT 1;\n-- step\n-- Nothing more.\n").steps) == 1


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_repeated_steps_are_one_statement(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "dialect", lambda: dialect)
    for migration in migrations.available():
        for step in migration.steps:
            assert not step.repeats or step.sql.count(";") == 1, migration.title
