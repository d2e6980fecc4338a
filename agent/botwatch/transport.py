"""Posts one batch, and says what the collector's answer means for it."""

from __future__ import annotations

import enum
import json
import math
import re
import time
import zlib
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import requests

from .version import AGENT

COMPRESS_FROM_BYTES = 512
CONNECT_TIMEOUT_S = 5.0
RETRY_AFTER_LIMIT_S = 3600.0
EVENT_PLACE = re.compile(r"events\[(\d+)\]")

Compress = Callable[[bytes], bytes]


class Verdict(enum.Enum):
    STORED = "stored"
    RETRY = "retry"
    UNAUTHORIZED = "unauthorized"
    """Token, address or proxy are wrong: someone can put that right, so the events are kept."""
    TOO_LARGE = "too large"
    REJECTED = "rejected"


class Answer(NamedTuple):
    verdict: Verdict
    why: str = ""
    duplicates: int = 0
    retry_after_s: float = 0.0
    event_index: int | None = None
    """Of a rejected batch: the one event that is at fault, if the collector named it."""


class Transport:
    """Not thread-safe: one per sender thread. Proxies and certificates are those of its environment at start.

    The request is prepared once and posted with a new body each time: that halves what `Session.post` costs.
    """

    def __init__(self, url: str, token: str) -> None:
        self._encodings = encodings()
        self._session = requests.Session()
        # As `auth`, because a .netrc entry for the host would replace an Authorization header.
        self._session.auth = BearerToken(token)
        headers = {"User-Agent": AGENT, "Content-Type": "application/x-ndjson"}
        self._draft = requests.Request("POST", f"{url}/api/events", headers)
        self._request: requests.PreparedRequest | None = None
        self._environment: Mapping[str, Any] = {}

    def post(self, header: dict[str, Any], lines: list[bytes], timeout_s: float) -> Answer:
        """Never raises for what network or collector do."""
        body = json.dumps(header, separators=(",", ":")).encode() + b"\n" + b"".join(lines)
        encoding, compress = self._encodings[0] if len(body) >= COMPRESS_FROM_BYTES else ("identity", bytes)
        try:
            response = self._send(compress(body), encoding, timeout_s)
        except (requests.RequestException, UnicodeError, ValueError) as error:
            return Answer(Verdict.RETRY, f"{type(error).__name__}: {error}")
        if response.status_code == 415 and len(self._encodings) > 1 and encoding != "identity":
            self._encodings.pop(0)
            return self.post(header, lines, timeout_s)
        return read_answer(response)

    def _send(self, body: bytes, encoding: str, timeout_s: float) -> requests.Response:
        request = self._request or self._prepare()
        request.body = body
        request.headers["Content-Encoding"] = encoding
        request.headers["Content-Length"] = str(len(body))
        adapter = self._session.get_adapter(request.url or "")
        timeout = (min(CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        response = adapter.send(request, timeout=timeout, **self._environment)
        response.content  # noqa: B018  (read to its end, so that the connection can be used again)
        return response

    def _prepare(self) -> requests.PreparedRequest:
        self._request = self._session.prepare_request(self._draft)
        self._environment = self._session.merge_environment_settings(self._request.url, {}, False, None, None)
        return self._request

    def close(self) -> None:
        self._session.close()


class BearerToken(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def read_answer(response: requests.Response) -> Answer:
    status = response.status_code
    if status == 200:
        return stored(response)
    why = f"HTTP {status}{explanation(response)}"
    if status in (408, 429) or status >= 500:
        return Answer(Verdict.RETRY, why, retry_after_s=retry_after_s(response.headers.get("Retry-After")))
    # Redirect, 404, 405 and 407 come from something that did not read the batch: no verdict on it.
    if status in (401, 403, 404, 405, 407) or 300 <= status < 400:
        return Answer(Verdict.UNAUTHORIZED, why)
    if status == 413:
        return Answer(Verdict.TOO_LARGE, why)
    return Answer(Verdict.REJECTED, why, event_index=event_index(response))


def stored(response: requests.Response) -> Answer:
    """A 200 counts only in the collector's own words: a login page of a proxy answers 200 too."""
    content = json_object(response)
    if not isinstance(content.get("stored"), int):
        return Answer(Verdict.UNAUTHORIZED, "HTTP 200, but not from a collector")
    duplicates = content.get("duplicates")
    return Answer(Verdict.STORED, duplicates=duplicates if isinstance(duplicates, int) else 0)


def json_object(response: requests.Response) -> dict[str, Any]:
    try:
        content = json.loads(response.content)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def error_of(response: requests.Response) -> dict[str, Any]:
    error = json_object(response).get("error")
    return error if isinstance(error, dict) else {}


def explanation(response: requests.Response) -> str:
    message = error_of(response).get("message")
    return f": {message[:200]}" if isinstance(message, str) else ""


def event_index(response: requests.Response) -> int | None:
    error = error_of(response)
    for place in (error.get("at"), error.get("message")):
        if isinstance(place, str) and (found := EVENT_PLACE.match(place)):
            return int(found.group(1))
    return None


def retry_after_s(value: str | None) -> float:
    """Seconds from now, of a number or a date; 0 when there is nothing sensible."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(0.0, seconds), RETRY_AFTER_LIMIT_S)


def encodings() -> list[tuple[str, Compress]]:
    """What this Python can compress with, cheapest first."""
    return [*zstd(), ("gzip", gzip)]


def gzip(content: bytes) -> bytes:
    return zlib.compress(content, 1, wbits=31)


def zstd() -> list[tuple[str, Compress]]:
    for package in ("compression.zstd", "backports.zstd"):
        try:
            compress = import_module(package).compress
        except ImportError:
            continue
        return [("zstd", partial(compress, level=1))]
    return []
