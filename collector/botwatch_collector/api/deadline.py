"""Gives up on work that hangs: a database that was frozen or unplugged answers neither yes nor no."""

import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")

# So many hanging pieces of work hold a thread and a connection each; the others give up without.
_slots = threading.BoundedSemaphore(2)


def within(seconds: float, work: Callable[[], R]) -> R:
    """Do the work in a thread of its own; raises TimeoutError, or what the work raises.

    What hangs is left to itself: the thread ends when it does, and doesn't hold up the end of the process.
    """
    results: list[R] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            _slots.release()

    if not _slots.acquire(timeout=seconds):
        raise TimeoutError
    thread = threading.Thread(target=run, name="botwatch-deadline", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]
