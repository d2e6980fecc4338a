"""Where a message stands among all: a page goes on from there, however many have come meanwhile."""

import re
from typing import NamedTuple

from ..errors import InvalidParameter

_TEXT = re.compile(r"(\d{1,15})-(\d{1,19})", re.ASCII)
_MOST = 2**63 - 1


class Place(NamedTuple):
    """Messages are in the order of their time, then of their id."""

    at: int
    id: int

    def __str__(self) -> str:
        return f"{self.at}-{self.id}"

    @classmethod
    def read(cls, text: str, name: str) -> "Place":
        """The reverse of str(); raises InvalidParameter that names the parameter."""
        found = _TEXT.fullmatch(text)
        if not found or int(found[2]) > _MOST:
            raise InvalidParameter(f"{name}: expected `older` or `newer` of an earlier answer", at=name)
        return cls(int(found[1]), int(found[2]))
