"""Shows how far the demo bot is with its history: a bar on a terminal, a line each tenth elsewhere."""

import sys
from collections.abc import Iterable
from threading import Thread

from .processes import Process

WIDTH = 30


def report(done: float, messages: int) -> None:
    """The bot's side: say how much of the history is stored, 0 to 1."""
    print(f"{done:.4f} {messages}", flush=True)


def follow(bot: Process, days: int) -> None:
    """The demo's side: show what the bot reports, in the background, until it ends."""
    Thread(target=_read, args=[bot, days], daemon=True).start()


def _read(bot: Process, days: int) -> None:
    if bot.stdout:
        with bot.stdout as reports:
            _show(reports, days)


def _show(reports: Iterable[str], days: int) -> None:
    is_terminal = sys.stdout.isatty()
    shown_tenths = -1
    for line in reports:
        done, messages = float(line.split()[0]), int(line.split()[1])
        text = f"{days} days of history {_bar(done)} {done:4.0%}  {messages:,} messages"
        if is_terminal:
            print(f"\r{text}", end="\n" if done == 1 else "", flush=True)
        elif int(done * 10) > shown_tenths:
            shown_tenths = int(done * 10)
            print(text, flush=True)


def _bar(done: float) -> str:
    filled = round(done * WIDTH)
    return "[" + "#" * filled + "." * (WIDTH - filled) + "]"
