"""Where a page ended, as a text from which the next one goes on."""

import base64
import binascii
from typing import Annotated, Self

import msgspec

from ..errors import InvalidParameter
from .window import LATEST, Window

Moment = Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


class PageCursor(msgspec.Struct, frozen=True, array_like=True):
    """The window of the first page, which all its pages share. What derives from it adds the last row."""

    start: Moment
    end: Moment

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)

    def text(self) -> str:
        """For a query parameter."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """The reverse of `text`; raises InvalidParameter."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            found = msgspec.json.decode(raw, type=cls)
        except (binascii.Error, ValueError):
            found = None
        if found is None or found.start >= found.end:
            raise InvalidParameter("cursor: expected the `next` of an earlier answer", at="cursor")
        return found
