"""Keeps agents right across fork: the parent goes on undisturbed, the child starts anew."""

from __future__ import annotations

import logging  # noqa: F401  (see _before)
import os
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent

_agents: WeakSet[Agent] = WeakSet()


def follow(agent: Agent) -> None:
    """Safe to repeat."""
    _agents.add(agent)


def _before() -> None:
    """Wait for our threads' imports.

    Hooks run last registered first, and logging's takes a lock that those imports need. Hence the import of
    logging above: it makes that hook run after this one.
    """
    for agent in list(_agents):
        agent.before_fork()


def _after_in_child() -> None:
    for agent in list(_agents):
        agent.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_after_in_child)
