"""Recorded public chats: turned into events by their own converter, with figures computed by another program.

The folder comes from BOTWATCH_CHAT_DATA: `to_events.py` and `expected/NAME.json` in it.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("gitter-fcc", "ubuntu-irc")


@dataclass(frozen=True)
class ChatData:
    """One dataset: the file to replay, and what must come back."""

    name: str
    events: Path
    expected: dict[str, Any]

    @property
    def span(self) -> dict[str, str]:
        """The query parameters that cover all of it."""
        after = self.expected["last_ts"].replace("Z", "+00:00")
        return {"from": self.expected["first_ts"], "to": f"{after[:4]}-12-31T23:59:59Z"}


def load(name: str, folder: Path) -> ChatData:
    """Convert the dataset into `folder`; skips the test where there is no data."""
    source = os.environ.get("BOTWATCH_CHAT_DATA")
    if not source:
        pytest.skip("BOTWATCH_CHAT_DATA names no folder with recorded chats")
    converter = Path(source) / "to_events.py"
    subprocess.run(
        [sys.executable, str(converter), "--root", source, "--out", str(folder), "--only", name],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    expected = json.loads((Path(source) / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    return ChatData(name, folder / f"{name}.ndjson", expected)
