"""Keeps the planner's statistics fresh, so that the database goes on choosing the right index."""

from .. import db, models
from ..clock import DAY
from ..config import Config
from . import slow

_SQLITE_ROWS = 1_000
_SLOW_KEPT_MS = 7 * DAY


def optimise(_config: Config, now: int) -> bool:
    """The job: a second or so, whatever the size, because only some rows of each table are looked at."""
    if db.is_postgresql():
        # Autovacuum sees to single tables, but never to a partitioned one as a whole.
        tables = ", ".join(table._meta.table_name for table in models.TABLES)
        db.database.execute_sql(f"ANALYZE {tables}")
    else:
        with db.writing():
            db.database.execute_sql(f"PRAGMA analysis_limit = {_SQLITE_ROWS}")
            db.database.execute_sql("ANALYZE")
    slow.forget(now - _SLOW_KEPT_MS)
    return False
