"""How much of what is read PostgreSQL finds in its own memory. SQLite doesn't tell."""

from .. import db

_FEWEST_READS = 10_000


def cache_hit_percent() -> float | None:
    """Since the server's statistics began; None where it isn't told, or too little was read to say."""
    if not db.is_postgresql():
        return None
    sql = "SELECT blks_hit, blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
    hit, all_of_them = db.database.execute_sql(sql).fetchone()
    return round(100 * float(hit) / float(all_of_them), 2) if all_of_them >= _FEWEST_READS else None
