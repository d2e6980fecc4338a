"""PostgreSQL databases that one test after the other has for itself: a new one costs more than most tests."""

import uuid

import psycopg
from psycopg.sql import SQL, Identifier

from .postgres import PostgresServer

_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = """
    SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT sum(relnatts) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_constraint),
           (SELECT count(*) FROM pg_extension),
           (SELECT count(*) FROM pg_namespace),
           (SELECT count(*) FROM pg_stat_user_tables WHERE last_analyze > '-infinity'),
           (SELECT count(*) FROM pg_db_role_setting AS of_one JOIN pg_database ON oid = setdatabase
            WHERE datname = current_database())
"""
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
_VIEWS = "SELECT matviewname FROM pg_matviews WHERE schemaname = 'public'"
_SEQUENCES = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
"""
_RESET_COUNTS = "SELECT pg_stat_reset()"

_INSERT = SQL(
    "INSERT INTO {table} OVERRIDING SYSTEM VALUE"
    " SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)"
)


class Leases:
    """Copies of the server's database `template`. What a test stored is taken out before the next gets it,
    and one whose tables it changed is given up.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._free: list[str] = []
        with psycopg.connect(server.url("template")) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            self._views = [name for (name,) in connection.execute(_VIEWS)]
            self._rows = _rows(connection)

    def take(self) -> str:
        """The name of a database that nobody else has."""
        if self._free:
            return self._free.pop()
        name = f"test_{uuid.uuid4().hex}"
        self._server.create(name, template="template")
        return name

    def give_back(self, name: str) -> None:
        if self._is_clean(name):
            self._free.append(name)
        else:
            self._server.drop(name)

    def _is_clean(self, name: str) -> bool:
        with psycopg.connect(self._server.url(name)) as connection:
            connection.execute(_END_OTHERS)
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            # What refers to another table goes before that.
            connection.execute("SET session_replication_role = replica")
            for table, rows in self._rows.items():
                connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
                if rows:
                    connection.execute(_INSERT.format(table=Identifier(table)), [rows])
            connection.execute(_SEQUENCES)
            for view in self._views:
                connection.execute(SQL("REFRESH MATERIALIZED VIEW {}").format(Identifier(view)))
            connection.execute(_RESET_COUNTS)
        return True


def _rows(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, str]:
    """What each table holds from the start, as JSON; nothing where that is none."""
    tables = [str(name) for (name,) in connection.execute(_TABLES)]
    count = SQL("SELECT json_agg(row)::text FROM {} AS row")
    found = {table: connection.execute(count.format(Identifier(table))).fetchone() for table in tables}
    return {table: str(row[0]) if row and row[0] else "" for table, row in found.items()}
