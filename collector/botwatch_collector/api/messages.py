"""/api/messages: single messages, found by filters and words, page by page."""

from flask import Blueprint, Response, current_app

from .. import messages
from ..config import Config
from ..errors import InvalidParameter
from ..guard import requires_reader
from . import params
from .answers import answer

blueprint = Blueprint("messages", __name__, url_prefix="/api/messages")

_ROWS = 100
_AROUND = 25


@blueprint.get("")
@requires_reader
def get_messages() -> Response:
    """Newest first; of all times unless asked otherwise."""
    before, after = (_place(name) for name in ("before", "after"))
    if before and after:
        raise InvalidParameter("after: either `before` or `after`", at="after")
    window, filters, limit = params.span(), params.message_filters(), params.limit(_ROWS, _most_rows())
    return answer(messages.page(params.bots(), window, filters, limit, before=before, after=after))


@blueprint.get("/<int:message_id>/conversation")
@requires_reader
def get_conversation(message_id: int) -> Response:
    """The messages around one, of the same channel or user."""
    around = params.limit(_AROUND, _most_rows())
    return answer(messages.conversation(params.bots(), message_id, around))


def _place(name: str) -> messages.Place | None:
    text = params.text(name)
    return None if text is None else messages.Place.read(text, name)


def _most_rows() -> int:
    config: Config = current_app.config["BOTWATCH"]
    return config.limits.page_rows
