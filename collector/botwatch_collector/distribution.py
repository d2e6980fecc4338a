"""Lays the tables out over the nodes of Citus, each bot's rows together on one of them.

Every table whose rows belong to a bot is distributed by it, and all in the same way, so that joins and
transactions of one bot stay on one node. What is asked for together with any bot is copied to every node. The
rest, such as the row that hands out ids and the settings, stays on the coordinator.
"""

from collections.abc import Iterator
from typing import Any

from . import db, models
from .errors import ConfigurationError

COPIED: tuple[type[models.Table], ...] = (models.Bot, models.Token)


def distributed() -> list[str]:
    """The tables whose every row belongs to a bot. The first is the one that the others are laid out like."""
    found = []
    for model in models.TABLES:
        bot: Any = model._meta.columns.get("bot_id")
        if model not in COPIED and bot is not None and not bot.null:
            found.append(_name(model))
    return found


def distribute() -> list[str]:
    """Lay out what is not yet, with the rows it has; the tables' names. Goes on where it was interrupted.

    Raises ConfigurationError where there is no Citus.
    """
    _require_citus()
    done = _done()
    return [*_copy(done), *_part(done)]


def _copy(done: set[str]) -> Iterator[str]:
    for name in map(_name, COPIED):
        if name not in done:
            db.database.execute_sql("SELECT create_reference_table(%s)", (name,))
            yield name


def _part(done: set[str]) -> Iterator[str]:
    first, *_ = tables = distributed()
    for name in tables:
        if name not in done:
            db.database.execute_sql(
                "SELECT create_distributed_table(%s, 'bot_id', colocate_with => %s)",
                (name, "none" if name == first else first),
            )
            yield name


def _require_citus() -> None:
    if not db.is_postgresql():
        raise ConfigurationError("BOTWATCH_DATABASE: this needs PostgreSQL with the extension citus")
    query = "SELECT count(*) FROM pg_extension WHERE extname = 'citus'"
    if not db.database.execute_sql(query).fetchone()[0]:
        raise ConfigurationError(
            "BOTWATCH_DATABASE: the extension citus is missing: install it on the server, name it in "
            "shared_preload_libraries, and say CREATE EXTENSION citus in this database"
        )


def _done() -> set[str]:
    """Those that Citus knows as copied or distributed; others that it has taken note of are neither."""
    rows = db.database.execute_sql(
        "SELECT relname FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid "
        "WHERE partmethod = 'h' OR (partmethod = 'n' AND repmodel = 't')"
    )
    return {name for (name,) in rows.fetchall()}


def _name(model: type[models.Table]) -> str:
    return str(model._meta.table_name)
