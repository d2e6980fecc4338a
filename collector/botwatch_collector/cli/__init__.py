"""The command `botwatch-collector`."""

from .main import main

__all__ = ["main"]
