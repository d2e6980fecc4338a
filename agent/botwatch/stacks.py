"""Says where code is, of an error, a thread or a task: as text, so that no frame is kept alive."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

MOST_LINES = 20
LINE_LIMIT = 160
STANDARD_LIBRARY = (f"{os.path.dirname(os.__file__)}/".replace("\\", "/"), "<frozen ")  # noqa: PTH120
PROGRAMS = f"{os.path.dirname(sys.executable or '-/-')}/".replace("\\", "/")  # noqa: PTH120
EVENT_LOOPS = ("asyncio", "uvloop")


class Place(NamedTuple):
    """A line that is being executed."""

    file: str
    line: int
    module: str
    function: str

    def __str__(self) -> str:
        """The end of a long path says more than its beginning."""
        return f"{self.file[-LINE_LIMIT:]}:{self.line}"

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    @property
    def is_standard(self) -> bool:
        return self.file.startswith(STANDARD_LIBRARY) and not self.is_installed

    @property
    def is_installed(self) -> bool:
        return "/site-packages/" in self.file or "/dist-packages/" in self.file


def of_error(error: BaseException) -> list[Place]:
    """From where it was caught inwards to where it was raised."""
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append(place_of(trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return places


def of_thread(thread: int) -> list[Place]:
    """What the thread executes at this moment, from its start inwards; of an event loop, since the loop."""
    places, frame = [], sys._current_frames().get(thread)
    while frame is not None:
        places.append(place_of(frame, frame.f_lineno))
        frame = frame.f_back
    places.reverse()
    inside = [index for index, place in enumerate(places) if place.package in EVENT_LOOPS]
    return places[inside[-1] + 1 :] if inside and inside[-1] + 1 < len(places) else places


def of_task(task: Any) -> list[Place]:
    """What an asyncio task awaits at this moment, from its coroutine inwards."""
    places, step = [], task.get_coro()
    while step is not None:
        frame, awaited = next(
            (
                (getattr(step, f"{kind}_frame"), getattr(step, inner))
                for kind, inner in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await"))
                if hasattr(step, f"{kind}_frame")
            ),
            (None, None),
        )
        if frame is not None:
            places.append(place_of(frame, frame.f_lineno))
        step = awaited
    return places


def place_of(frame: FrameType, line: int | None) -> Place:
    code = frame.f_code
    file = code.co_filename.replace("\\", "/")
    return Place(file, line or 0, str(frame.f_globals.get("__name__", "?")), code.co_qualname)


def own(places: list[Place]) -> list[Place]:
    """Those in the bot's own code, at least one.

    That is what isn't installed. Of a bot that is installed itself, it is what lies in another package than
    the one that is furthest out, which is the framework.
    """
    others = [place for place in places if not place.is_standard and place.package != "botwatch"]
    written = [place for place in others if not place.is_installed and not place.file.startswith(PROGRAMS)]
    return written or [place for place in others if place.package != others[0].package] or others or places


def told(places: list[Place]) -> list[str]:
    """The innermost lines, in the order of the calls."""
    return [f"{place} in {place.function}"[-LINE_LIMIT:] for place in places[-MOST_LINES:]]
