"""A running bot of each chat framework, the platform it lives in, and what the collector stored of both."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .conftest import eventually, running
from .discord_double import Discord
from .platform_double import Person
from .slack_double import Slack

NewScene = Callable[[Any, Path], AbstractContextManager["Scene"]]


class Scene:
    def __init__(self, platform: Any, collector: Any) -> None:
        self.platform = platform
        self.collector = collector

    def after(self, count: int, *people: Person) -> list[dict]:
        """The messages of these people, once there are `count`."""
        eventually(lambda: len(self._messages(people)) >= count)
        return self._messages(people)

    def _messages(self, people: tuple[Person, ...]) -> list[dict]:
        ids = {person.id for person in people}
        return [message for message in self.collector.messages() if message.get("user_id") in ids]

    def error(self, person: Person, kind: str) -> dict:
        """The one error of this type in handling what this person said."""
        eventually(lambda: self._errors(person, kind))
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
def discord_scene(new_collector: Any, directory: Path) -> Iterator[Scene]:
    # discord.py imports the standard library's audioop, which newer Pythons deprecate.
    warnings = ("error", "ignore::DeprecationWarning:discord.player")
    with (
        Discord() as platform,
        new_collector() as collector,
        running("discord_bot", collector, directory, platform.url, warnings=warnings),
    ):
        yield Scene(platform, collector)


@contextmanager
def slack_scene(new_collector: Any, directory: Path, program: str = "slack_bot") -> Iterator[Scene]:
    with (
        Slack() as platform,
        new_collector() as collector,
        running(program, collector, directory, platform.url),
    ):
        eventually(lambda: platform.bot_url)
        yield Scene(platform, collector)


SCENES: dict[str, NewScene] = {
    "discord.py": discord_scene,
    "slack-bolt": slack_scene,
    "slack-bolt async": partial(slack_scene, program="slack_async_bot"),
}
