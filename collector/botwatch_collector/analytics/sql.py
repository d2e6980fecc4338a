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


def stacked(queries: Sequence[Any]) -> Any:
    """The rows of all the queries as one table."""
    return reduce(lambda above, below: above.union_all(below), queries).alias("rows")


def select(rows: Any, *columns: Any) -> Any:
    """A query of such a table, whose rows come as tuples."""
    return peewee.Select([rows], columns).bind(database).tuples()
