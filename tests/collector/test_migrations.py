"""The schema: complete, applied once, and refused where it can't be right."""

import threading

import peewee
import pytest

from botwatch_collector import db, migrations, models
from botwatch_collector.errors import SchemaError


def key(table: type[models.Table]) -> str | None:
    """The column that is the primary key by itself."""
    own = table._meta.primary_key
    return own.column_name if isinstance(own, peewee.Field) else None


@pytest.mark.parametrize("table", models.TABLES, ids=lambda table: table.__name__)
def test_model_has_the_columns_of_its_table(database: None, table: type[models.Table]) -> None:
    columns = {column.name: column.null for column in db.database.get_columns(table._meta.table_name)}
    fields = {field.column_name: field.null for field in table._meta.sorted_fields}

    if table is models.EventSequence:
        fields["id"] = False
    assert columns.keys() == fields.keys()
    # SQLite calls an integer primary key nullable, which it isn't.
    nullable = {name for name, null in columns.items() if null and name not in ("id", key(table))}
    assert nullable - {"name"} == {name for name, null in fields.items() if null}


def test_second_run_applies_nothing(database: None) -> None:
    assert migrations.bring_up_to_date() == []
    assert migrations.pending() == []


def test_newer_schema_is_refused(database: None) -> None:
    db.database.execute_sql("INSERT INTO migration VALUES (9000, 'later', '', 0)")

    with pytest.raises(SchemaError, match="schema 9000"):
        migrations.bring_up_to_date()


def test_changed_migration_is_refused(database: None) -> None:
    db.database.execute_sql("UPDATE migration SET sha256 = 'other' WHERE version = 1")

    with pytest.raises(SchemaError, match="0001 was changed"):
        migrations.bring_up_to_date()


def test_failed_migration_leaves_nothing_behind(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrations.Migration(9000, "broken", "CREATE TABLE half (id INTEGER);\nSELECT * FROM nowhere;\n")
    monkeypatch.setattr(migrations, "available", lambda: [broken])
    monkeypatch.setattr(migrations, "_refuse_unknown", lambda known, applied: None)

    with pytest.raises(Exception, match="nowhere"):
        migrations.bring_up_to_date()

    assert "half" not in db.database.get_tables()
    assert 9000 not in migrations._applied()


def test_many_processes_may_start_at_once(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    added = migrations.Migration(9000, "added", "CREATE TABLE added (id INTEGER);\n")
    monkeypatch.setattr(migrations, "available", lambda: [added])
    monkeypatch.setattr(migrations, "_refuse_unknown", lambda known, applied: None)
    applied: list[migrations.Migration] = []

    def start() -> None:
        with db.connected():
            applied.extend(migrations.bring_up_to_date())

    starts = [threading.Thread(target=start) for _ in range(4)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()

    assert applied == [added]
