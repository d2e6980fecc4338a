"""Sends through a real agent, and waits until the collector has answered for everything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import botwatch

from .connection import Connection
from .terminal import CommandError

if TYPE_CHECKING:
    from botwatch import Agent

FIRST_PATIENCE_S = 20.0
_POLL_S = 0.2
# A command is no bot: one heartbeat and one sample at its start are enough.
_PERIOD_S = 3600.0


@contextmanager
def running_agent(collector: Connection, spool: str | None, **settings: Any) -> Iterator[Agent]:
    """An agent for the body; what it could not send stays in `spool`."""
    # The commands say in their own words what the agent would log.
    log = logging.getLogger("botwatch")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    settings = {"heartbeat_s": _PERIOD_S, "sample_s": _PERIOD_S, "linger_s": 0.05} | settings
    agent = botwatch.Agent()
    agent.start(collector.url, collector.token, spool_dir=spool, enabled=True, **settings)
    try:
        yield agent
    finally:
        agent.stop()


def deliver(collector: Connection, spool: str, **message: Any) -> None:
    """Send a heartbeat and perhaps a message; CommandError when they are not stored."""
    with running_agent(collector, spool) as agent:
        if message:
            agent.message(**message)
        await_delivery(agent, FIRST_PATIENCE_S)


def await_delivery(agent: Agent, patience_s: float, look: Callable[[], None] = lambda: None) -> None:
    """Until all is acknowledged. CommandError when something is refused or lost, or the wait too long."""
    best, waited_s = -1, 0.0
    while not agent.flush(_POLL_S):
        check_refusal(agent)
        look()
        # Only a wait without any advance counts.
        sent = agent.stats()["sent"]
        waited_s = waited_s + _POLL_S if sent == best else 0.0
        best = sent
        if waited_s >= patience_s:
            raise CommandError(f"the collector does not answer: {_reason(agent)}")
    check_losses(agent)


def check_refusal(agent: Agent) -> None:
    """CommandError when the collector wants nothing from this token, or nobody at this address is one."""
    if agent.stats()["state"] == "unauthorized":
        raise CommandError(f"the collector refuses: {_reason(agent)}")


def check_losses(agent: Agent) -> None:
    """CommandError when anything that was given to the agent did not reach the collector."""
    lost = agent.stats()["losses"]
    if lost:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(lost.items()))
        raise CommandError(f"lost: {reasons} ({_reason(agent)})")


def _reason(agent: Agent) -> str:
    return agent.stats()["last_error"] or "no reason known"
