"""The streamer: one process for each host that holds the connections of all live streams.

A worker lets a reader in and passes the connection through the `Door`; from then on the worker has nothing to
do with it. The streamer keeps a cursor for each reader, so that a reader costs little more than the sending.
"""

from .door import Door, Passed
from .interest import Interest
from .process import run

__all__ = ["Door", "Interest", "Passed", "run"]
