"""The newest messages with some words, for a box that looks for other things as well."""

from collections.abc import Sequence

from ..analytics.window import LATEST, Window
from ..errors import InvalidParameter
from .filters import Filters
from .pages import page
from .query import parsed
from .row import MessageRow


def newest_with(bots: Sequence[int], text: str, limit: int) -> list[MessageRow]:
    """None for a text that names no word: it may still name a bot or somebody."""
    try:
        query = parsed(text)
    except InvalidParameter:
        return []
    return page(bots, Window(0, LATEST), Filters(query=query), limit).messages
