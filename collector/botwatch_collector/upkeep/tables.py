"""How large the tables are, told in milliseconds: counted where that is cheap, estimated where it is not."""

import msgspec
import peewee

from .. import db, models

_COUNTED = 10_000
_SAMPLED = 200
_ROW_BYTES, _ENTRY_BYTES = 12, 24


class TableSize(msgspec.Struct, frozen=True):
    """`is_exact` is about the rows: few are counted, many are estimated. Bytes include the indexes, and are
    estimated on SQLite.
    """

    table: str
    rows: int
    is_exact: bool
    size_bytes: int


def table_sizes() -> list[TableSize]:
    """The largest first; of PostgreSQL's partitions all together."""
    found = _postgresql() if db.is_postgresql() else _sqlite()
    return sorted(found, key=lambda one: (-one.size_bytes, one.table))


def _names() -> list[str]:
    return [table._meta.table_name for table in models.TABLES]


def _postgresql() -> list[TableSize]:
    marks = ", ".join("%s" for _ in _names())
    # The names are bound; what is formatted in is how many there are.
    sql = f"""
        WITH RECURSIVE tree AS (
            SELECT oid AS root, oid FROM pg_class
            WHERE relname IN ({marks}) AND relnamespace = current_schema()::regnamespace
            UNION ALL
            SELECT tree.root, inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.oid
        )
        SELECT (SELECT relname FROM pg_class WHERE oid = tree.root),
            SUM(GREATEST(reltuples, 0))::bigint, SUM(pg_total_relation_size(tree.oid))::bigint
        FROM tree JOIN pg_class ON pg_class.oid = tree.oid GROUP BY tree.root
    """  # noqa: S608
    rows = db.database.execute_sql(sql, _names()).fetchall()
    return [_counted_if_small(name, estimated, size) for name, estimated, size in rows]


def _counted_if_small(name: str, estimated: int, size_bytes: int) -> TableSize:
    rows = _few_rows(name) if estimated <= _COUNTED else None
    return TableSize(name, estimated if rows is None else rows, rows is not None, size_bytes)


def _few_rows(name: str) -> int | None:
    """None when there are too many to count."""
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {name} LIMIT {_COUNTED + 1}) AS few"  # noqa: S608 - a model's name
    rows = int(db.database.execute_sql(sql).fetchone()[0])
    return None if rows > _COUNTED else rows


def _sqlite() -> list[TableSize]:
    """SQLite knows no sizes: that of the file is divided by rows and the length of some of them."""
    estimated = _statistics()
    rows: dict[str, tuple[int, bool]] = {}
    for name in _names():
        few = _few_rows(name)
        rows[name] = (few, True) if few is not None else (max(estimated.get(name, 0), _COUNTED), False)
    weights = {name: count * _row_bytes(name) for name, (count, _) in rows.items()}
    whole = sum(weights.values()) or 1
    size_bytes = db.size_bytes()
    return [
        TableSize(name, count, is_exact, round(size_bytes * weights[name] / whole))
        for name, (count, is_exact) in rows.items()
    ]


def _statistics() -> dict[str, int]:
    """What the last ANALYZE found, by table."""
    try:
        rows = db.database.execute_sql("SELECT tbl, stat FROM sqlite_stat1").fetchall()
    except peewee.OperationalError:
        return {}
    found: dict[str, int] = {}
    for table, stat in rows:
        found[table] = max(found.get(table, 0), int(stat.split()[0]))
    return found


def _row_bytes(name: str) -> float:
    """An average row with its entries in indexes, from some of the newest."""
    columns = [column.name for column in db.database.get_columns(name)]
    lengths = " + ".join(f"COALESCE(LENGTH({column}), 0)" for column in columns)
    sql = f"SELECT AVG(bytes) FROM (SELECT {lengths} AS bytes FROM {name} LIMIT {_SAMPLED})"  # noqa: S608
    average = db.database.execute_sql(sql).fetchone()[0] or 0
    return float(average) + _ROW_BYTES + _ENTRY_BYTES * len(db.database.get_indexes(name))
