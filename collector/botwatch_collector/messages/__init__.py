"""Single messages: found by who wrote, when, where and which words, page by page."""

from .conversation import Conversation, conversation
from .filters import Filters
from .pages import Messages, page
from .place import Place
from .query import Query, parsed
from .row import MessageRow

__all__ = [
    "Conversation",
    "Filters",
    "MessageRow",
    "Messages",
    "Place",
    "Query",
    "conversation",
    "page",
    "parsed",
]
