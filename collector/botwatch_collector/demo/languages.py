"""The languages that simulated users speak: what they are called, ask and are told, from languages.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Exchange = tuple[str, str]


@dataclass(frozen=True)
class Language:
    """`share` is the part of all users who speak it; an exchange is a text and the bot's reply."""

    code: str
    share: float
    utc_offset_h: int
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    openings: tuple[Exchange, ...]
    questions: tuple[Exchange, ...]
    closings: tuple[Exchange, ...]


@cache
def languages() -> tuple[Language, ...]:
    text = files(__package__).joinpath("languages.json").read_text(encoding="utf-8")
    return tuple(_language(code, entry) for code, entry in json.loads(text).items())


def _language(code: str, entry: Mapping[str, Any]) -> Language:
    return Language(
        code=code,
        share=entry["share"],
        utc_offset_h=entry["utc_offset_h"],
        first_names=tuple(entry["first"]),
        last_names=tuple(entry["last"]),
        openings=tuple((text, reply) for text, reply in entry["openings"]),
        questions=tuple((text, reply) for text, reply in entry["questions"]),
        closings=tuple((text, reply) for text, reply in entry["closings"]),
    )
