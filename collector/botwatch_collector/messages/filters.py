"""What a reader asks for beside bots and time."""

from dataclasses import dataclass

from .query import Query


@dataclass(frozen=True)
class Filters:
    """None takes everything."""

    user: str | None = None
    direction: str | None = None
    channel: str | None = None
    query: Query | None = None
