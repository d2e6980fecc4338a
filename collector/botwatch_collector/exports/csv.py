"""Rows as CSV that a spreadsheet takes for text, whatever somebody wrote into a chat."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# What spreadsheets take for the beginning of a formula. They themselves put an apostrophe before text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(rows: Iterable[Sequence[Any]]) -> str:
    """RFC 4180, with line ends of CR LF; None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
