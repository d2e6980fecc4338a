"""The demo: a collector, and a bot that embeds the real agent and talks with simulated users."""

from .command import run

__all__ = ["run"]
