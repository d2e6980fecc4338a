"""Pieces of SQL that the questions here are made of."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import peewee

from ..db import database


def number(value: int) -> peewee.SQL:
    """Written into the statement, so that PostgreSQL sees that two expressions are the same one."""
    return peewee.SQL(f"({value:d})")


def case(at: Any, ends: Sequence[tuple[int, int]], last: int) -> Any:
    """The value of the first end that `at` lies before, else `last`."""
    if not ends:
        return number(last)
    return peewee.Case(None, [(at < number(end), number(value)) for end, value in ends], number(last))


class Written(peewee.Source):
    """A table that is written out as text: Peewee takes longer to build some than databases to answer."""

    def __init__(self, sql: str, params: Sequence[Any]) -> None:
        super().__init__("rows")
        self._sql = peewee.SQL(f"({sql})", params)

    def __sql__(self, ctx: Any) -> Any:
        """As Peewee asks for it: the text where a table is named, else the name."""
        source: Any = self
        if ctx.scope == peewee.SCOPE_SOURCE:
            return source.apply_alias(ctx.sql(self._sql))
        return source.apply_column(ctx)


def stacked(queries: Sequence[Any]) -> Any:
    """The rows of all the queries as one table."""
    return reduce(lambda above, below: above.union_all(below), queries).alias("rows")


def select(rows: Any, *columns: Any) -> Any:
    """A query of such a table, whose rows come as tuples."""
    return peewee.Select([rows], columns).bind(database).tuples()
