"""Single messages: found by who wrote, when, where and which words, page by page."""

from .conversation import Conversation, conversation
from .filters import Filters
from .newest import newest_with
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
    "newest_with",
    "page",
    "parsed",
]
