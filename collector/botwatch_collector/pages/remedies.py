"""What to do about a bot that isn't there as it should be: a table of data, in plain words."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Remedy(NamedTuple):
    """`trouble` goes on from the bot's name; `steps` are what to look at, the likeliest first."""

    status: str
    trouble: str
    steps: tuple[str, ...]


_REMEDIES = {
    "deaf": Remedy(
        "warn",
        "is up, but gets no messages any more, at a time when people usually write.",
        (
            "Restart it: polling that broke off, or a webhook that was taken away, seldom comes back.",
            "Does another process use the same token of the platform? Then that one gets the messages.",
        ),
    ),
    "late": Remedy(
        "warn",
        "is late with its heartbeat.",
        (
            "It may be back in a moment: a busy machine or a short loss of its connection looks like this.",
            "Is its event loop blocked? Errors and hangs, below, name the line.",
        ),
    ),
    "down": Remedy(
        "fail",
        "sends no heartbeat any more.",
        (
            "Does its process run? It said no goodbye: it was killed, crashed, or its machine is off.",
            "If it runs, botwatch doctor on its machine tells why it can't reach the collector.",
        ),
    ),
}


def remedies(bots: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], Remedy]]:
    """The bots in trouble with what to do, the gravest first."""
    found = [(bot, _REMEDIES["deaf" if bot["deaf"] else bot["state"]]) for bot in bots if _is_in_trouble(bot)]
    return sorted(found, key=lambda pair: pair[1].status != "fail")


def _is_in_trouble(bot: dict[str, Any]) -> bool:
    return bot["deaf"] or bot["state"] in _REMEDIES
