"""`botwatch replay`: sends a recorded chat through a real agent, with its own times and ids.

FILE is NDJSON, plain or gzip; - is standard input. A line is a message with `direction` (in or out), `ts`
(ISO 8601 or unix milliseconds), `text`, and where known `id`, `user` (or `user_id`, `user_name`), `channel`,
`response_ms` and `wait_ms`. The messages become those of the token's own bot; the bot that a line names is
kept as an attribute. Texts are sent as they were recorded, unless BOTWATCH_PRIVACY says otherwise. Lines
with an id may be sent again, also after any interruption: each is stored once.

Exit status 0 means that the collector has acknowledged every message, 130 that it was interrupted.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .connection import add_arguments, connection
from .delivery import FIRST_PATIENCE_S, await_delivery, check_refusal, running_agent
from .progress import Progress
from .recording import BadLine, Recorded, lines, message_of, opened
from .terminal import CommandError

if TYPE_CHECKING:
    from botwatch import Agent

SUMMARY = "send a recorded chat with its original times"
EXAMPLES = """\
examples:
  botwatch replay chat.ndjson --max          as fast as the collector takes it
  botwatch replay chat.ndjson --speed 60     an hour of chat in a minute
  zcat chats/*.gz | botwatch replay - --max --skip-bad
"""

# Far below what the spool holds, so that nothing is ever dropped to make room.
_DEEPEST_QUEUE_BYTES = 8 << 20
_SPOOL_BYTES = 64 << 20
_LOOK_EVERY_BYTES = 256 << 10
_WAIT_S = 0.05
_PATIENCE_S = 300.0
# What may be kept was decided when it was recorded.
_AS_RECORDED = {"secrets": "keep", "emails": "keep"}
_FIELDS = tuple(field.name for field in fields(Recorded))


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the recording; - for standard input")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="N times real time (default 1)")
    pace.add_argument("--max", action="store_true", help="without waiting for the recording's times")
    parser.add_argument("--skip-bad", action="store_true", help="count lines that are no message and go on")
    parser.add_argument("--spool", metavar="DIR", help="where to queue (default: BOTWATCH_SPOOL)")
    add_arguments(parser, "ingest")


def run(args: argparse.Namespace) -> int:
    recording = _Recording(args.file, args.skip_bad)
    # A file is looked through before anything of it is sent; what comes by a pipe can be read only once.
    total = sum(1 for _ in recording.messages()) if Path(args.file).is_file() else None
    settings: dict[str, Any] = {"spool_max_bytes": _SPOOL_BYTES}
    if "BOTWATCH_PRIVACY" not in os.environ:
        settings["privacy"] = _AS_RECORDED
    with running_agent(connection(args), args.spool, **settings) as agent:
        await_delivery(agent, FIRST_PATIENCE_S)
        progress = Progress(sys.stderr, agent, total)
        try:
            _send(agent, recording, math.inf if args.max else args.speed, progress)
            await_delivery(agent, _PATIENCE_S, progress.look)
        except (CommandError, KeyboardInterrupt):
            agent.stop()
            progress.stop()
            raise
        progress.skipped = recording.bad_lines
        progress.finish()
    return 0


class _Recording:
    """A file's messages, any number of times; a pipe's once."""

    def __init__(self, path: str, skips_bad: bool) -> None:
        self.bad_lines = 0
        self._path = path
        self._skips_bad = skips_bad

    def messages(self) -> Iterator[tuple[Recorded, int]]:
        """Each with the bytes of its line. CommandError names the place of a line that is no message."""
        self.bad_lines = 0
        try:
            with opened(self._path) as stream:
                for number, line in lines(stream):
                    message = self._read(number, line)
                    if message:
                        yield message, len(line)
        except (OSError, EOFError) as error:
            raise CommandError(f"{self._path}: {error}") from None

    def _read(self, number: int, line: bytes) -> Recorded | None:
        try:
            return message_of(line)
        except BadLine as error:
            self.bad_lines += 1
            if not self._skips_bad:
                raise CommandError(f"{self._path}:{number}: {error}") from None
        return None


def _send(agent: Agent, recording: _Recording, speed: float, progress: Progress) -> None:
    clock: _Clock | None = None
    unlooked_bytes = 0
    for message, size_bytes in recording.messages():
        clock = clock or _Clock(message.ts, speed)
        while (wait_s := clock.until(message.ts)) > 0:
            time.sleep(min(wait_s, _WAIT_S))
            check_refusal(agent)
            progress.look()
        agent.message(**{name: getattr(message, name) for name in _FIELDS})
        progress.given += 1
        unlooked_bytes += size_bytes
        if unlooked_bytes >= _LOOK_EVERY_BYTES:
            unlooked_bytes = 0
            _make_way(agent, progress)


def _make_way(agent: Agent, progress: Progress) -> None:
    """Let the collector catch up when the queue is deep."""
    progress.look()
    check_refusal(agent)
    waited_since = time.monotonic()
    while agent.stats()["queued_bytes"] > _DEEPEST_QUEUE_BYTES:
        if time.monotonic() - waited_since > _PATIENCE_S:
            raise CommandError(f"the collector does not answer: {agent.stats()['last_error']}")
        time.sleep(_WAIT_S)
        check_refusal(agent)
        progress.look()


class _Clock:
    """When a message of the recording is due."""

    def __init__(self, first_ts: int, speed: float) -> None:
        self._first_ts = first_ts
        self._speed = speed
        self._started = time.monotonic()

    def until(self, ts: int) -> float:
        """Seconds from now, negative when it is past."""
        return (ts - self._first_ts) / 1000 / self._speed - (time.monotonic() - self._started)


def _speed(value: str) -> float:
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {value!r}")
    return speed
