"""The tables as the database itself describes them: a backup may be of an older schema than the models."""

from dataclasses import dataclass

from .. import db, models


@dataclass(frozen=True)
class Column:
    """`kind` is the database's own word for the type, in lower case."""

    name: str
    kind: str
    is_identity: bool = False

    @property
    def selected(self) -> str:
        """As both databases can take it: JSON as its text, a truth as 0 or 1."""
        casts = {"jsonb": f"{self.name}::text", "boolean": f"{self.name}::int"}
        return casts.get(self.kind, self.name)


def saved() -> list[str]:
    """The tables of a backup, those first that others point to."""
    existing = set(db.database.get_tables())
    names = (table._meta.table_name for table in models.TABLES)
    return [name for name in names if name in existing]


def columns(table: str) -> list[Column]:
    """In the table's order; empty when there is no such table."""
    if not db.is_postgresql():
        rows = db.database.execute_sql("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
        return [Column(name, kind.lower()) for name, kind in rows]
    rows = db.database.execute_sql(
        "SELECT column_name, data_type, is_identity = 'YES' FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position",
        (table,),
    ).fetchall()
    return [Column(*row) for row in rows]
