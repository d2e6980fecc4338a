"""Watches the handling of one update from around it: what it raises, and whether it hangs."""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from .agent import Agent


class Handling:
    """A context manager, for code that may be of any kind. It changes no outcome."""

    def __init__(
        self, agent: Agent, user_id: object, harmless: tuple[type[BaseException], ...], may_last: bool
    ) -> None:
        self._agent = agent
        self._user_id = user_id
        self._harmless = harmless
        self._may_last = may_last
        self._started_s = monotonic()

    def __enter__(self) -> None:
        if not self._may_last:
            self._agent.watched.begin(self)

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._agent.watched.end(self)
        if error is not None and not isinstance(error, self._harmless):
            self._agent.handler_failed(
                error, user_id=self._user_id, duration_ms=round((monotonic() - self._started_s) * 1000)
            )
