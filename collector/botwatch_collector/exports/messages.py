"""Messages of a time, bot by bot and in order of time, read in pages so that memory stays small."""

from collections.abc import Iterator, Sequence

from ..analytics.window import Window
from ..messages import Filters, MessageRow, Place, page
from ..models import Bot

_PAGE = 1_000


def pages(bots: Sequence[Bot], window: Window, filters: Filters) -> Iterator[list[MessageRow]]:
    """Pages of at most a thousand of what passes the filters; each is a few queries over an index.

    What is stored while the export runs may or may not be in it; nothing is in it twice.
    """
    for bot in bots:
        after: Place | None = Place(window.start, 0)
        while after:
            found = page([bot.id], window, filters, _PAGE, after=after)
            if found.messages:
                yield found.messages[::-1]
            after = Place.read(found.newer, "after") if found.newer else None
