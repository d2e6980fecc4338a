"""What the commands print: text made harmless, colours where a person looks, one line that redraws itself."""

from __future__ import annotations

import os
import shutil
import sys
import time
import unicodedata
from typing import TextIO

COLOURS = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_QUIET_PERIOD_S = 5.0
_REDRAW_PERIOD_S = 0.1


class CommandError(Exception):
    """Ends a command with this message; `status` is its exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def harmless(text: str) -> str:
    """`text` on one line, without anything a terminal would obey or that would show it in another order.

    Control characters (escape sequences begin with one), format characters (bidi overrides, zero-width) and
    lone surrogates become visible escapes; line ends become spaces' visible sign.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char == "\n":
        return "⏎"
    # Joiners hold emoji and many scripts together and move nothing.
    if char in "\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def is_coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO) -> str:
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if is_coloured(stream) else text


def complain(message: str) -> None:
    """Say what went wrong, on standard error."""
    print(f"botwatch: {harmless(message)}", file=sys.stderr, flush=True)


class StatusLine:
    """One line about work in progress: redrawn on a terminal, else written anew every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._drawn_at = -_QUIET_PERIOD_S if self._is_terminal else time.monotonic()

    def is_due(self) -> bool:
        period = _REDRAW_PERIOD_S if self._is_terminal else _QUIET_PERIOD_S
        return time.monotonic() - self._drawn_at >= period

    def show(self, text: str) -> None:
        self._drawn_at = time.monotonic()
        if not self._is_terminal:
            print(text, file=self._stream, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{text[:width]}")
        self._stream.flush()

    def finish(self, text: str) -> None:
        self.show(text)
        if self._is_terminal:
            print(file=self._stream, flush=True)
