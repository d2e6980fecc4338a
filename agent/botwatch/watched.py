"""What integrations and the bot ask to be watched. Lives as long as the agent."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop_lag import LoopLag


class Watched:
    def __init__(self) -> None:
        self.loops: list[LoopLag] = []
        self.connections: Callable[[], int] | None = None
