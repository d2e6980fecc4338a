"""`botwatch tail`: prints what happens as it does, and goes on exactly where a lost connection stopped."""

from __future__ import annotations

import argparse
import json
import random
import select
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .connection import CONNECT_TIMEOUT_S, Connection, add_arguments, connection, refusal
from .lines import line
from .sse import Frame, FrameReader, pieces
from .terminal import CommandError, complain

if TYPE_CHECKING:
    import requests

SUMMARY = "print messages, or other events, as they happen"
EXAMPLES = """\
examples:
  botwatch tail
  botwatch tail --bot shop --direction in
  botwatch tail --text refund
  botwatch tail --json | jq -r .message_text
  botwatch tail --channels presence,activity
  botwatch tail --since 1200        everything stored after message 1200, then live
"""

# The stream says something every 15 s; silence this long is a dead connection.
_SILENCE_S = 45.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_FILTERS = ("channels", "bot", "user", "direction", "channel", "text")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="a JSON object per event, as the stream gave it")
    parser.add_argument(
        "--channels", metavar="NAMES", help="of the stream, with commas between; messages unless given"
    )
    parser.add_argument("--bot", help="only what is of this bot")
    parser.add_argument("--user", metavar="ID", help="only what is of this user")
    parser.add_argument("--direction", choices=("in", "out"), help="only received or only sent messages")
    parser.add_argument("--channel", help="only messages of this channel")
    parser.add_argument("--text", help="only messages that hold this text, in capitals or not")
    parser.add_argument("--since", type=_event_id, metavar="ID", help="begin after the event of this id")
    add_arguments(parser, "read")


def run(args: argparse.Namespace) -> int:
    show = _show_json if args.json else _show_line
    path = "/api/monitoring/stream" if args.channels else "/debug/message-stream"
    filters = {name: getattr(args, name) for name in _FILTERS if getattr(args, name) is not None}
    for frame in Stream(connection(args), path, filters, args.since).frames():
        if frame is None:
            _end_when_unread()
        else:
            show(frame)
    return 0


class _Busy(Exception):
    """The collector can't answer now, and said for how long if it knew."""

    def __init__(self, said: str, retry_after_s: float | None) -> None:
        super().__init__(said)
        self.retry_after_s = retry_after_s


class Stream:
    """The events of a collector, for as long as somebody reads them."""

    def __init__(self, collector: Connection, path: str, filters: dict[str, str], since: int | None) -> None:
        self._collector = collector
        self._url = collector.url + path
        self._filters = filters
        self._reader = FrameReader(last_id="" if since is None else str(since))
        self._failures = 0

    def frames(self) -> Iterator[Frame | None]:
        """Endless, with None now and then; CommandError once the collector refuses for good."""
        import requests
        import urllib3

        while True:
            try:
                yield from self._connected()
                self._pause("the stream ended")
            except _Busy as busy:
                self._pause(str(busy), busy.retry_after_s)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                self._pause(_in_short(error))

    def _connected(self) -> Iterator[Frame | None]:
        import requests

        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if self._reader.last_id:
            headers["Last-Event-ID"] = self._reader.last_id
        with requests.get(
            self._url,
            params=self._filters,
            headers=headers,
            auth=self._collector.auth,
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_TIMEOUT_S, _SILENCE_S),
        ) as response:
            self._check(response)
            yield from self._read(response)

    def _check(self, response: requests.Response) -> None:
        """Pass an answer that frames will follow."""
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 200 and kind.startswith("text/event-stream"):
            return
        if response.status_code == 200:
            raise CommandError(f"{self._collector.url} answers with {kind or 'nothing'}, not with a stream")
        if response.status_code not in (408, 429) and response.status_code < 500:
            raise CommandError(f"the collector refuses the stream, {refusal(response)}")
        asked = response.headers.get("Retry-After", "")
        raise _Busy(refusal(response), float(asked) if asked.isdigit() else None)

    def _read(self, response: requests.Response) -> Iterator[Frame | None]:
        # What was read of a torn frame is worth nothing, for it comes again.
        self._reader = FrameReader(self._reader.last_id, self._reader.retry_s)
        for piece in pieces(response.raw):
            if self._failures:
                complain("connected again")
                self._failures = 0
            yield from self._reader.feed(piece)
            yield None

    def _pause(self, reason: str, asked_s: float | None = None) -> None:
        if not self._failures:
            complain(f"{reason}; connecting again")
        longest = min(_LONGEST_WAIT_S, (self._reader.retry_s or _FIRST_WAIT_S) * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        time.sleep(asked_s if asked_s is not None else longest * random.uniform(0.5, 1))  # noqa: S311


def _end_when_unread() -> None:
    """Raise BrokenPipeError when the other end of a pipe has gone: on a quiet stream no write would tell."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sys.stdout, 0)
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            raise BrokenPipeError


def _show_json(frame: Frame) -> None:
    # Escaped to ASCII, it is the same JSON, and no text in it can command a terminal.
    print(json.dumps(json.loads(frame.data)).replace("\x7f", "\\u007f"), flush=True)


def _show_line(frame: Frame) -> None:
    shown = line(frame.event, json.loads(frame.data))
    if shown is not None:
        print(shown, flush=True)


def _in_short(error: BaseException | None) -> str:
    """The operating system's words, which requests wraps in several layers of its own."""
    reason = "it broke off"
    while error is not None:
        if isinstance(error, TimeoutError) or (isinstance(error, OSError) and error.errno is not None):
            reason = str(error)
        error = error.__context__
    return f"no connection to the collector ({reason})"


def _event_id(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise argparse.ArgumentTypeError(f"expected an event's id, a number, got {value!r}")
    return int(value)
