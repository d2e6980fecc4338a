"""Whether this process is on its way out."""

import threading

stopping = threading.Event()
"""Set when the worker was told to end. Whatever lasts, such as a stream, ends within a second of that, and
the process is no longer ready."""
