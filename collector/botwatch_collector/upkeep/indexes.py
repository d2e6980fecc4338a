"""How much each index is used. PostgreSQL counts it; SQLite doesn't."""

import msgspec

from .. import db


class IndexUse(msgspec.Struct, frozen=True):
    """`scans` is how often a statement used it since the statistics began; partitions are summed."""

    index: str
    table: str
    scans: int
    size_bytes: int
    is_unique: bool


def index_use() -> list[IndexUse] | None:
    """The largest first; None where the database doesn't count."""
    if not db.is_postgresql():
        return None
    rows = db.database.execute_sql(_USE).fetchall()
    return [IndexUse(*row) for row in rows]


_USE = """
    WITH RECURSIVE tree AS (
        SELECT indexrelid AS root, indexrelid AS oid, indrelid AS root_table, indisunique
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE NOT relispartition AND relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT tree.root, inhrelid, root_table, indisunique FROM tree JOIN pg_inherits ON inhparent = tree.oid
    )
    SELECT root::regclass::text, root_table::regclass::text, COALESCE(SUM(idx_scan), 0)::bigint,
        SUM(pg_relation_size(tree.oid))::bigint, bool_or(indisunique)
    FROM tree LEFT JOIN pg_stat_user_indexes AS used ON used.indexrelid = tree.oid
    GROUP BY root, root_table ORDER BY 4 DESC, 1
"""
