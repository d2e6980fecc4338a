"""A running bot of each chat framework, the platform it lives in, and what the collector stored of both."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .bot_framework_double import BotFramework
from .chainlit_double import ChainlitUsers
from .conftest import eventually, running
from .discord_double import Discord
from .environments import python_with
from .matrix_double import Matrix
from .platform_double import Person, PlatformDouble
from .slack_double import Slack

NewScene = Callable[[Any, Path], AbstractContextManager["Scene"]]


class Scene:
    def __init__(self, platform: Any, collector: Any) -> None:
        self.platform = platform
        self.collector = collector

    until = staticmethod(eventually)

    def after(self, count: int, *people: Person) -> list[dict]:
        """The messages of these people, once there are `count`."""
        self.until(lambda: len(self._messages(people)) >= count)
        return self._messages(people)

    def _messages(self, people: tuple[Person, ...]) -> list[dict]:
        ids = {person.id for person in people}
        return [message for message in self.collector.messages() if message.get("user_id") in ids]

    def error(self, person: Person, kind: str) -> dict:
        """The one error of this type in handling what this person said."""
        self.until(lambda: self._errors(person, kind))
        (told,) = self._errors(person, kind)
        return told

    def _errors(self, person: Person, kind: str) -> list[dict]:
        return [told for told in self.collector.activities(kind) if told["user_id"] == person.id]


def one(messages: list[dict], direction: str) -> dict:
    (found,) = [message for message in messages if message["direction"] == direction]
    return found


def texts(messages: list[dict], direction: str) -> list[str]:
    return [message["text"] for message in messages if message["direction"] == direction]


@contextmanager
def playing(
    platform: type[PlatformDouble],
    program: str,
    new_collector: Any,
    directory: Path,
    needs: str = "",
) -> Iterator[Scene]:
    """A bot of `bots` on its platform. What a framework itself is warned of is no matter of ours."""
    python = python_with(needs) if needs else sys.executable
    with (
        platform() as double,
        new_collector() as collector,
        running(program, collector, directory, double.url, python=python, flags=()),
    ):
        double.wait_for_bot()
        yield Scene(double, collector)


SCENES: dict[str, NewScene] = {
    "discord.py": partial(playing, Discord, "discord_bot"),
    "slack-bolt": partial(playing, Slack, "slack_bot"),
    "slack-bolt async": partial(playing, Slack, "slack_async_bot"),
    "matrix-nio": partial(playing, Matrix, "matrix_bot"),
    "botbuilder": partial(playing, BotFramework, "botbuilder_bot"),
    "chainlit": partial(playing, ChainlitUsers, "chainlit_bot", needs="chainlit>=2.12"),
}
