"""The views that PostgreSQL has for questions in SQL, from the files in `sql/postgresql`.

Each knows by its comment which state of its file it was made from, and is made anew when that has changed.
"""

import hashlib
import logging
from importlib.resources import files

import peewee

from . import db
from .config import Config

_log = logging.getLogger(__name__)

NAMES = ("message_volume_hourly", "activity_metrics_daily", "activity_index_usage")
_REFRESHED = ("activity_metrics_daily",)
_LOCK_KEY = 0x76696577  # "view": the advisory lock of whoever makes them


def install() -> list[str]:
    """Make those that are missing or out of date, and return them; nothing on SQLite.

    One that can't be replaced, because somebody's own view builds on it, stays as it is.
    """
    return [name for name in NAMES if db.is_postgresql() and _install(name)]


def refresh(_: Config, _now: int) -> bool:
    """The job: bring up to date those that are stored, which reads all activities. Holds up no reader."""
    for name in _REFRESHED:
        if db.is_postgresql():
            db.database.execute_sql(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name}")
    return False


def _install(name: str) -> bool:
    sql = (files("botwatch_sql") / "postgresql" / f"{name}.sql").read_text(encoding="utf-8")
    wanted = f"botwatch {hashlib.sha256(sql.encode()).hexdigest()}"
    try:
        with db.writing():
            db.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
            if _comment(name) == wanted:
                return False
            db.database.execute_sql(sql)
            kind = "MATERIALIZED VIEW" if name in _REFRESHED else "VIEW"
            db.database.execute_sql(f"COMMENT ON {kind} {name} IS '{wanted}'")
    except (peewee.DatabaseError, peewee.InternalError) as error:
        _log.warning("the view %s stays as it is: %s", name, error)
        return False
    return True


def _comment(name: str) -> str | None:
    query = "SELECT obj_description(to_regclass(%s), 'pg_class')"
    (comment,) = db.database.execute_sql(query, (name,)).fetchone()
    return str(comment) if comment else None
